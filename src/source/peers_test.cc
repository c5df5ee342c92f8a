// The sources against the real thing: slapd, Dovecot, FreeRADIUS.
#include "base/result.h"
#include "config/config.h"
#include "net/test_support.h"
#include "source/source.h"

#include <fmt/format.h>

#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::source {
namespace {

using net::test::eventually;
using net::test::has_program;
using net::test::Process;
using net::test::run;

class Peers : public net::test::NetTest {
  protected:
    // "login: its addresses", or the error's name.
    std::string log_in(const std::string& login, const std::string& password) {
        auto made = Sources::make({config});
        EXPECT_TRUE(made) << made.error().message;
        const auto answer = wait(Sources::log_in(*made, loops->executor(0), login, password));
        if (!answer) {
            return name(answer.error().code);
        }
        std::string out = answer->login + ":";
        for (const std::string& address : answer->addresses) {
            out += " " + address;
        }
        return out;
    }
    config::AccountSource config{.name = "peer", .kind = "", .timeout = Duration{5'000}};
    net::test::Folder folder;
    const std::string denied = name(Errc::Denied), away = name(Errc::Unavailable),
                      not_found = name(Errc::NotFound);
};

constexpr const char* kLdif = R"(dn: dc=example,dc=net
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: cn=mail,dc=example,dc=net
objectClass: simpleSecurityObject
objectClass: organizationalRole
cn: mail
userPassword: looks

dn: uid=hanako,dc=example,dc=net
objectClass: inetOrgPerson
uid: hanako
cn: Hanako Yamada
sn: Yamada
mail: Hanako@example.net
mail: h.yamada@example.net
userPassword: cherry blossom

dn: uid=twin1,dc=example,dc=net
objectClass: inetOrgPerson
uid: twin1
cn: Twin
sn: Twin
mail: twin@example.net
userPassword: cherry blossom

dn: uid=twin2,dc=example,dc=net
objectClass: inetOrgPerson
uid: twin2
cn: Twin
sn: Twin
mail: twin@example.net
userPassword: cherry blossom
)";

class Slapd : public Peers {
  protected:
    void SetUp() override {
        if (!has_program("slapd") || !has_program("slapadd")) {
            GTEST_SKIP() << "slapd is not installed";
        }
        const auto made = run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
            "/CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout " +
            (folder / "key") + " -out " + (folder / "crt")
        );
        ASSERT_EQ(made.status, 0) << made.output;
        std::filesystem::create_directory(folder / "db");
        folder.write(
            "slapd.conf",
            fmt::format(
                R"(include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {0}/pid
TLSCertificateFile {0}/crt
TLSCertificateKeyFile {0}/key
database mdb
maxsize 10485760
suffix "dc=example,dc=net"
directory {0}/db
access to attrs=userPassword by dn="cn=mail,dc=example,dc=net" compare by anonymous auth by * none
access to * by dn="cn=mail,dc=example,dc=net" read by * none
)",
                folder.path()
            )
        );
        folder.write("ldif", kLdif);
        const auto added =
            run("PATH=$PATH:/usr/sbin slapadd -f " + (folder / "slapd.conf") + " -l " +
                (folder / "ldif"));
        ASSERT_EQ(added.status, 0) << added.output;
        port = net::test::free_port();
        config.kind = "ldap";
        config.server = fmt::format("ldap://127.0.0.1:{}", port);
        config.base = "dc=example,dc=net";
        config.bind_dn = "cn=mail,dc=example,dc=net";
        config.secret = "looks";
        start();
    }
    void start() {
        slapd.emplace(
            std::vector<std::string>{
                "/usr/sbin/slapd", "-h", config.server, "-f", folder / "slapd.conf", "-d", "256"
            },
            folder / "log"
        );
        ASSERT_TRUE(eventually([this] { return net::test::answers(port); })) << folder.read("log");
    }
    void expect_right_answers() {
        const std::string hanako = "h.yamada@example.net: hanako@example.net h.yamada@example.net";
        EXPECT_EQ(log_in("hanako@example.net", "cherry blossom"), hanako);
        EXPECT_EQ(log_in("H.Yamada@example.net", "cherry blossom"), hanako) << "one account";
        EXPECT_EQ(log_in("hanako@example.net", "plum blossom"), denied);
        EXPECT_EQ(log_in("hanako@example.net", ""), denied);
        EXPECT_EQ(log_in("nobody@example.net", "cherry blossom"), not_found);
        EXPECT_EQ(log_in("*", "cherry blossom"), not_found);
        EXPECT_EQ(log_in("x)(uid=hanako", "cherry blossom"), not_found);
        EXPECT_EQ(log_in("twin@example.net", "cherry blossom"), away) << "whose would it be?";
    }
    std::uint16_t port = 0;
    std::optional<Process> slapd;
};

TEST_F(Slapd, Bind) {
    expect_right_answers();
    config.filter = "(&(objectClass=inetOrgPerson)(uid={user}))";
    config.addresses = {"{user}@mail.example.net"};
    EXPECT_EQ(
        log_in("hanako@example.net", "cherry blossom"),
        "h.yamada@example.net: hanako@example.net h.yamada@example.net hanako@mail.example.net"
    );
    config.secret = "wrong";
    EXPECT_EQ(log_in("hanako@example.net", "cherry blossom"), away) << "our own password";
}

TEST_F(Slapd, Compare) {
    config.check = "compare";
    expect_right_answers();
}

TEST_F(Slapd, StartTls) {
    config.start_tls = true;
    config.ca = folder / "crt";
    expect_right_answers();
    config.ca = "";
    EXPECT_EQ(log_in("hanako@example.net", "cherry blossom"), away) << "nobody vouches for it";
}

TEST_F(Slapd, ComesBack) {
    auto sources = Sources::make({config}).value();
    const auto ask = [&](const char* password) {
        const auto answer =
            wait(Sources::log_in(sources, loops->executor(0), "hanako@example.net", password));
        return answer ? std::string("right") : name(answer.error().code);
    };
    EXPECT_EQ(ask("cherry blossom"), "right");
    slapd.reset();
    EXPECT_EQ(ask("cherry blossom"), away);
    EXPECT_EQ(ask("plum blossom"), away) << "never a wrong password";
    start();
    EXPECT_EQ(ask("cherry blossom"), "right");
    EXPECT_EQ(ask("plum blossom"), denied);
}

TEST_F(Peers, Dovecot) {
    if (!has_program("dovecot")) {
        GTEST_SKIP() << "dovecot is not installed";
    }
    config.kind = "dovecot";
    config.server = folder / "auth-client";
    config.addresses = {"{user}@example.net"};
    EXPECT_EQ(log_in("taro.imap", "cherry blossom"), away) << "nobody there yet";
    const std::string user = run("id -un").output;
    folder.write("users", "taro.imap:{PLAIN}cherry blossom::::::\n");
    folder.write(
        "dovecot.conf",
        fmt::format(
            R"(base_dir = {0}/run
state_dir = {0}/state
log_path = {0}/log
protocols =
ssl = no
default_internal_user = {1}
default_login_user = {1}
default_internal_group = {1}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {0}/users
}}
userdb {{
  driver = static
  args = uid={2} gid={3} home=/nonexistent
}}
service auth {{
  unix_listener {0}/auth-client {{
    mode = 0666
  }}
}}
service anvil {{
  chroot =
}}
)",
            folder.path(),
            user.substr(0, user.find('\n')),
            ::getuid(),
            ::getgid()
        )
    );
    const Process dovecot(
        {"/usr/sbin/dovecot", "-F", "-c", folder / "dovecot.conf"}, folder / "out"
    );
    ASSERT_TRUE(eventually([this] { return std::filesystem::exists(config.server); }))
        << folder.read("out") << folder.read("log");
    EXPECT_EQ(log_in("taro.imap", "cherry blossom"), "taro.imap: taro.imap@example.net")
        << folder.read("log");
    EXPECT_EQ(log_in("taro.imap", "plum blossom"), denied);
    EXPECT_EQ(log_in("nobody", "cherry blossom"), denied);
}

TEST_F(Peers, FreeRadius) {
    if (!has_program("freeradius")) {
        GTEST_SKIP() << "freeradius is not installed";
    }
    const std::uint16_t port = net::test::free_port(SOCK_DGRAM);
    config.kind = "radius";
    config.server = fmt::format("127.0.0.1:{}", port);
    config.secret = "shared";
    config.addresses = {"{user}@example.net"};
    const std::string answers = "update reply {\n Message-Authenticator := 0x00\n }";
    folder.write("dictionary", "$INCLUDE /usr/share/freeradius/dictionary\n");
    folder.write("users", "taro.line Cleartext-Password := \"cherry blossom in the garden\"\n");
    folder.write(
        "radiusd.conf",
        fmt::format(
            R"(prefix = /usr
libdir = /usr/lib/freeradius
logdir = {0}
run_dir = {0}
pidfile = {0}/pid
client here {{
  ipaddr = 127.0.0.1
  secret = "shared"
  require_message_authenticator = yes
}}
modules {{
  files {{
    filename = {0}/users
  }}
  pap {{
  }}
}}
server default {{
  listen {{
    type = auth
    ipaddr = 127.0.0.1
    port = {1}
  }}
  authorize {{
    files
    pap
  }}
  authenticate {{
    Auth-Type PAP {{
      pap
    }}
  }}
  post-auth {{
    {2}
    Post-Auth-Type REJECT {{
      {2}
    }}
  }}
}}
)",
            folder.path(),
            port,
            answers
        )
    );
    {
        const Process radiusd(
            {"/usr/sbin/freeradius", "-f", "-l", "stdout", "-d", folder.path(), "-n", "radiusd"},
            folder / "out"
        );
        ASSERT_TRUE(eventually([this] {
            return folder.read("out").contains("Ready to process requests");
        })) << folder.read("out");
        EXPECT_EQ(
            log_in("taro.line", "cherry blossom in the garden"), "taro.line: taro.line@example.net"
        ) << folder.read("out");
        EXPECT_EQ(log_in("taro.line", "plum blossom"), denied);
        EXPECT_EQ(log_in("nobody", "cherry blossom in the garden"), denied);
        config.secret = "another";
        config.timeout = Duration{600};
        EXPECT_EQ(log_in("taro.line", "cherry blossom in the garden"), away);
    }
    config.secret = "shared";
    EXPECT_EQ(log_in("taro.line", "cherry blossom in the garden"), away);
}

}  // namespace
}  // namespace sekisho::source
