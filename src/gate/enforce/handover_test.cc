// What is known without nftables: where packets appear, and what can't be handed over.
#include "gate/enforce/handover.h"

#include "policy/policy.h"

#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::gate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Folders as sysfs has them: a link `upper_X` in a device's folder names what stands on it.
class Devices : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "/sysfs_XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        root_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(root_); }
    void stands(const std::string& above, const std::string& below) {
        std::filesystem::create_directories(root_ / below / ("upper_" + above));
        std::filesystem::create_directories(root_ / above);
    }
    std::filesystem::path root_;
};

TEST_F(Devices, VlansAndBondsAreWherePacketsAppearToo) {
    stands("bond0", "eth0");
    stands("bond0", "eth1");
    stands("bond0.100", "bond0");
    const Appearance out = appearance_of({"eth1", "eth0", "gone0"}, root_);
    EXPECT_THAT(out.interfaces, ElementsAre("bond0", "bond0.100", "eth0", "eth1", "gone0"));
    EXPECT_EQ(out.bridge, "");
}

TEST_F(Devices, ABridgeAnywhereAboveCarriesThemPast) {
    stands("eth0.7", "eth0");
    stands("br7", "eth0.7");
    std::filesystem::create_directories(root_ / "br7" / "bridge");
    EXPECT_EQ(appearance_of({"eth0"}, root_).bridge, "br7");
    EXPECT_EQ(appearance_of({"eth1"}, root_).bridge, "");
}

policy::Source answering(std::size_t prefixes) {
    policy::Source source;
    policy::ClassSource subscribers{"subscribers", "", {}, ""};
    for (std::size_t i = 0; i < prefixes; ++i) {  // no two of them neighbours
        subscribers.prefixes.emplace_back(IpAddress::v4(0x0a000000U + std::uint32_t(i) * 2), 32);
    }
    source.classes = {subscribers};
    source.rules = {
        {"tell", "subscribers", "*", policy::Action::Answer, policy::Stage::Enforce, "", "", {}}
    };
    return source;
}

TEST(HandoverTest, SaysWhyItCannotBe) {
    Handover handover;
    EXPECT_EQ(handover.put(**policy::Policy::compile(answering(1)), {}), "no responder runs here");
    handover.set_responder({2525, 0});
    EXPECT_EQ(handover.put(**policy::Policy::compile(answering(1)), {}), "");
    EXPECT_THAT(
        handover.put(**policy::Policy::compile(answering(Handover::kPrefixesMax + 1)), {}),
        HasSubstr("50001 prefixes are too many")
    );
    EXPECT_FALSE(handover.stale({}));
    EXPECT_TRUE(handover.stale({"eth0"}));
    handover.set_responder({2526, 0});
    EXPECT_TRUE(handover.stale({}));
}

}  // namespace
}  // namespace sekisho::gate
