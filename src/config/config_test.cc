#include "base/file.h"
#include "config/reader.h"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::config {
namespace {

std::string first_problem(const std::string& text) {
    const auto loaded = parse(text, "sekisho.toml");
    return loaded ? "no problem" : loaded.error().front().message();
}

TEST(Config, TheDefaultFileIsTheDefaults) {
    const auto from_nothing = parse("", "sekisho.toml");
    const auto from_defaults = parse(defaults_toml(), "sekisho.toml");
    ASSERT_TRUE(from_nothing) << from_nothing.error().front().message();
    ASSERT_TRUE(from_defaults) << from_defaults.error().front().message();
    EXPECT_EQ(from_nothing->mail.recipients_max, Mail{}.recipients_max);
    EXPECT_EQ(from_nothing->queue.expire, Queue{}.expire);
    EXPECT_EQ(from_nothing->mail.submission.size(), 2U);
    EXPECT_EQ(from_defaults->queue.retry.size(), 7U);
}

TEST(Config, FaultsNameFileLineAndKey) {
    EXPECT_EQ(
        first_problem("[mail]\n\nrecipients_mux = 5\n"),
        "sekisho.toml:3: mail.recipients_mux: unknown key; did you mean `recipients_max`?"
    );
    EXPECT_EQ(
        first_problem("[mail]\nrecipients_max = 5\n"),
        "sekisho.toml:2: mail.recipients_max: expected an integer from 100 to 50000"
    );
    EXPECT_EQ(first_problem("[mial]\n"), "sekisho.toml:1: mial: unknown key; did you mean `mail`?");
    EXPECT_EQ(
        first_problem("[gate]\nengine = \"ipfw\"\n"),
        "sekisho.toml:2: gate.engine: expected one of: xdp, nftables, none"
    );
    EXPECT_EQ(
        first_problem("[gate]\nengine = 5\n"),
        "sekisho.toml:2: gate.engine: expected one of: xdp, nftables, none"
    );
    EXPECT_NE(first_problem("[mail\n").find("sekisho.toml:1"), std::string::npos);
    EXPECT_EQ(
        first_problem("[[rule]]\nname = \"a\"\nfrom = \"*\"\n"),
        "sekisho.toml:1: rule.to: is missing"
    );
    EXPECT_EQ(
        first_problem("[[class]]\nname = \"a\"\nprefixes = [\"192.0.2.1/24\"]\n"),
        "sekisho.toml:3: class.prefixes: \"192.0.2.1/24\" has host bits set; the prefix is "
        "192.0.2.0/24"
    );
    EXPECT_EQ(first_problem("mail = 3\n"), "sekisho.toml:1: mail: expected a table, [mail]");
    EXPECT_EQ(first_problem("rule = 3\n"), "sekisho.toml:1: rule: expected tables, [[rule]]");
}

TEST(Config, EveryFaultIsReportedAtOnce) {
    const auto loaded = parse("[mail]\na = 1\nb = 2\n[gate]\nc = 3\n", "f");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().size(), 3U);
}

TEST(Config, ImpossibleValues) {
    EXPECT_NE(
        first_problem("[tls]\ncertificate = \"x\"\n").find("both or neither"), std::string::npos
    );
    EXPECT_NE(
        first_problem("[mail]\nmessage_size_max = \"100MiB\"\n").find("queue.segment_size"),
        std::string::npos
    );
    EXPECT_NE(
        first_problem("[delivery]\nlocal = \"lmtp\"\n").find("delivery.lmtp"), std::string::npos
    );
    EXPECT_NE(
        first_problem("[radius]\nlisten = [\"127.0.0.1:1813\"]\n").find("radius.client"),
        std::string::npos
    );
    EXPECT_NE(
        first_problem("[mail]\nport_fallback = [\"587\"]\n").find("PORT=PORT"), std::string::npos
    );
    EXPECT_NE(
        first_problem("[[rule]]\nname=\"r\"\nfrom=\"nowhere\"\nto=\"*\"\n").find("nowhere"),
        std::string::npos
    );
}

TEST(Config, PrefixFiles) {
    const std::string folder = ::testing::TempDir();
    ASSERT_TRUE(write_file_atomic(
        folder + "/pools.txt", "# dynamic pools\n192.0.2.0/25\n2001:db8::/48 # v6\n\n"
    ));
    const auto loaded = parse(
        "[[class]]\nname = \"subscribers\"\nfiles = [\"pools.txt\"]\n", folder + "/sekisho.toml"
    );
    ASSERT_TRUE(loaded) << loaded.error().front().message();
    EXPECT_EQ(loaded->policy.classes.at(0).prefixes.size(), 2U);
    EXPECT_EQ(loaded->watched_files.size(), 1U);
    const auto bad = parse_prefix_file("192.0.2.0/25\nx\n192.0.2.1/25", "pools.txt");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().at(0).message(), "pools.txt:2: \"x\" is not a prefix");
    EXPECT_EQ(bad.error().size(), 2U);
}

TEST(Config, TheReferencePageInDocsIsUpToDate) {
    const auto page = read_file(std::string(SEKISHO_SOURCE_DIR) + "/docs/configuration.md");
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(*page, reference_markdown())
        << "write it anew: sekisho config reference > docs/configuration.md";
}

}  // namespace
}  // namespace sekisho::config
