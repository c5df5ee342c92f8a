// Steps of the schema after the ninth. For schema.cc only.
#pragma once

#include <string_view>

namespace sekisho::store {

extern const std::string_view kStepStaff;
extern const std::string_view kStepSendAs;
extern const std::string_view kStepForwards;
extern const std::string_view kStepSuppression;
extern const std::string_view kStepEventIndex;
extern const std::string_view kStepMy;
extern const std::string_view kStepRequests;
extern const std::string_view kStepConductOfLines;
extern const std::string_view kStepReports;
extern const std::string_view kStepPeerPast;
extern const std::string_view kStepTimeZones;
extern const std::string_view kStepOctets;
extern const std::string_view kStepSenderRights;

}  // namespace sekisho::store
