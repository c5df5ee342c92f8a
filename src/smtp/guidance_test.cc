#include "smtp/guidance.h"

#include <gtest/gtest.h>

namespace sekisho::smtp {
namespace {

TEST(Guidance, NamesThePageAndTheNumber) {
    EXPECT_EQ(
        with_reference(use_submission("mail.example.net", 587), "https://guide.example.net", "k7"),
        "Port 25 is for mail servers. Mail programs send through mail.example.net port 587 with "
        "authentication; see https://guide.example.net/25?ref=k7 (reference k7)"
    );
    EXPECT_EQ(with_reference("Closed", "", "k7"), "Closed (reference k7)");
}

}  // namespace
}  // namespace sekisho::smtp
