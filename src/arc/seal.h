// Sealing (RFC 8617 §5.1): the ARC set that whoever hands a message on puts before it. Pure: the
// time is handed in.
#pragma once

#include "arc/verify.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/key.h"
#include "message/auth_results.h"
#include "message/header.h"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::arc {

struct SealOptions {
    std::string domain, selector;
    std::string authserv_id;                     // who found the results
    std::vector<message::MethodResult> results;  // when the message came in
    Result chain = Result::None;                 // as it was verified then
    Time now{};
};

// ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results: whole fields, to stand above all
// others. Empty when the message must not be sealed: the chain was called broken by who sealed
// last, or has all the sets that it may have. A chain that arrived broken is sealed as such
// (cv=fail, §5.1.2). `header` is the scan of `message`; everything that is to be changed has been.
// Reads the whole body: not for a loop's thread. Invalid: no From to sign.
[[nodiscard]] sekisho::Result<std::string> seal(
    std::string_view message,
    const message::Header& header,
    const dkim::PrivateKey& key,
    const SealOptions& options
);

}  // namespace sekisho::arc
