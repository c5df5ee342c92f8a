#include "mail/patient_clients.h"

#include "base/time.h"

#include <gtest/gtest.h>

namespace sekisho::mail {
namespace {

constexpr Time kNow{Duration{1'700'000'000'000}};

TEST(PatientClients, KnowsWhoWaitedForAnHour) {
    PatientClients clients;
    EXPECT_FALSE(clients.knows("192.0.2.1", kNow));
    clients.note("192.0.2.1", true, kNow);
    EXPECT_TRUE(clients.knows("192.0.2.1", kNow + Duration{59 * 60'000}));
    EXPECT_FALSE(clients.knows("192.0.2.2", kNow));
    // What came without a wait proves nothing: the hour isn't prolonged by it.
    clients.note("192.0.2.1", true, kNow + Duration{59 * 60'000});
    EXPECT_FALSE(clients.knows("192.0.2.1", kNow + Duration{60 * 60'000}));
    clients.note("192.0.2.1", true, kNow + Duration{60 * 60'000});
    EXPECT_TRUE(clients.knows("192.0.2.1", kNow + Duration{61 * 60'000}));
}

TEST(PatientClients, ForgetsWhoSpokeEarly) {
    PatientClients clients;
    clients.note("192.0.2.1", true, kNow);
    clients.note("192.0.2.1", false, kNow);
    EXPECT_FALSE(clients.knows("192.0.2.1", kNow));
    clients.note("192.0.2.2", false, kNow);
    EXPECT_FALSE(clients.knows("192.0.2.2", kNow));
}

TEST(PatientClients, IsBoundedAndMakesRoom) {
    PatientClients clients({.lifetime = Duration{1000}, .clients_max = 2});
    clients.note("a", true, kNow);
    clients.note("b", true, kNow + Duration{500});
    clients.note("c", true, kNow + Duration{999});
    EXPECT_FALSE(clients.knows("c", kNow + Duration{999}));
    clients.note("c", true, kNow + Duration{1000});
    EXPECT_TRUE(clients.knows("c", kNow + Duration{1000}));
    EXPECT_TRUE(clients.knows("b", kNow + Duration{1000}));
}

}  // namespace
}  // namespace sekisho::mail
