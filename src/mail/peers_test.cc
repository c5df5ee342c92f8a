// Real mail programs as clients: swaks, msmtp, Python's smtplib. A program that isn't installed is
// skipped.
#include "base/bytes.h"
#include "event/event.h"
#include "mail/test_world.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>

namespace sekisho::mail {
namespace {

using Peers = test::MailTest;

struct Ran {
    int status = -1;
    std::string output;
};

Ran run(const std::string& command) {
    Ran ran;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a test's own command line
    FILE* pipe = ::popen(("{ " + command + "\n} 2>&1").c_str(), "re");
    if (pipe == nullptr) {
        return ran;
    }
    std::array<char, 4096> chunk{};
    while (const std::size_t got = ::fread(chunk.data(), 1, chunk.size(), pipe)) {
        ran.output.append(chunk.data(), got);
    }
    const int status = ::pclose(pipe);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

bool has(const std::string& program) {
    return run("command -v " + program).status == 0;
}

TEST_F(Peers, Swaks) {
    if (!has("swaks")) {
        GTEST_SKIP() << "swaks is not installed";
    }
    start();
    const std::string common =
        "swaks --from taro@example.net --to b@other.example --au taro@example.net --ap 'correct "
        "horse' --server 127.0.0.1 ";
    for (const char* mechanism : {"PLAIN", "LOGIN"}) {
        const Ran starttls =
            run(common + "--tls --auth " + mechanism + " --port " +
                std::to_string(at("submission").port));
        EXPECT_EQ(starttls.status, 0) << starttls.output;
        const Ran implicit =
            run(common + "--tls-on-connect --auth " + mechanism + " --port " +
                std::to_string(at("submissions").port));
        EXPECT_EQ(implicit.status, 0) << implicit.output;
    }
    EXPECT_EQ(spool.kept().size(), 4U);
    const Ran wrong =
        run(common + "--ap wrong-horse --tls --auth PLAIN --port " +
            std::to_string(at("submission").port));
    EXPECT_EQ(wrong.status, 28) << wrong.output;
    const Ran pipelined = run(
        "swaks --pipeline --from a@other.example --to taro@example.net,nobody@example.net --server "
        "127.0.0.1 --port " +
        std::to_string(at("exchange").port)
    );
    EXPECT_EQ(pipelined.status, 0) << pipelined.output;
    EXPECT_EQ(spool.kept().size(), 5U);
}

TEST_F(Peers, Msmtp) {
    if (!has("msmtp")) {
        GTEST_SKIP() << "msmtp is not installed";
    }
    start();
    const bool scram = run("msmtp --version").output.find("SCRAM-SHA-256") != std::string::npos;
    const std::string folder = ::testing::TempDir() + "sekisho-msmtp-" + random_token(40);
    for (const char* mechanism : {"plain", "login", "scram-sha-256"}) {
        if (std::string(mechanism) == "scram-sha-256" && !scram) {
            continue;
        }
        const std::string file = folder + mechanism;
        std::ofstream(file) << "account default\nhost 127.0.0.1\nport " << at("submission").port
                            << "\ntls on\ntls_starttls on\ntls_certcheck off\nauth " << mechanism
                            << "\nuser taro@example.net\npassword correct horse\n"
                            << "from taro@example.net\n";
        ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
        const Ran sent =
            run("printf 'Subject: by msmtp\\n\\n.dot\\n' | msmtp -C " + file + " b@other.example");
        EXPECT_EQ(sent.status, 0) << mechanism << ": " << sent.output;
        EXPECT_NE(spool.kept().back().bytes.find("\r\n\r\n.dot\r\n"), std::string::npos);
        EXPECT_EQ(std::remove(file.c_str()), 0);
    }
    EXPECT_EQ(spool.kept().size(), scram ? 3U : 2U);
}

TEST_F(Peers, PythonSmtplib) {
    if (!has("python3")) {
        GTEST_SKIP() << "python3 is not installed";
    }
    start();
    const std::string script = ::testing::TempDir() + "sekisho-" + random_token(40) + ".py";
    std::ofstream(script) << R"(
import smtplib, ssl, sys
context = ssl._create_unverified_context()
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as s:
    s.starttls(context=context)
    s.login('taro@example.net', 'correct horse')
    refused = s.sendmail('taro@example.net', ['b@x.example', 'nobody@example.net'],
                         'Subject: x\r\n\r\n' + '.\r\n' * 5)
    assert refused['nobody@example.net'][0] == 550, refused
    try:
        s.sendmail('hanako@example.net', ['b@x.example'], 'Subject: x\r\n\r\nx\r\n')
    except smtplib.SMTPSenderRefused as e:
        assert e.smtp_code == 553, e
    else:
        sys.exit('the sender was taken')
)";
    const Ran ran = run("python3 " + script + " " + std::to_string(at("submission").port));
    EXPECT_EQ(ran.status, 0) << ran.output;
    ASSERT_EQ(spool.kept().size(), 1U);
    EXPECT_TRUE(spool.kept()[0].bytes.ends_with("\r\n\r\n.\r\n.\r\n.\r\n.\r\n.\r\n"));
    EXPECT_EQ(std::remove(script.c_str()), 0);
}

}  // namespace
}  // namespace sekisho::mail
