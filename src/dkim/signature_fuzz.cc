// Any bytes as a signed message: verifying ends with a verdict for each signature, and the body's
// canonical form doesn't depend on the parts it comes in.
#include "base/assert.h"
#include "base/time.h"
#include "dkim/canonical.h"
#include "dkim/signature.h"
#include "dkim/test_data.h"
#include "dkim/verify.h"
#include "message/header.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace sekisho;
using namespace sekisho::dkim;

namespace {

std::string canonical(Canonicalization how, std::string_view text, std::size_t part) {
    std::string out;
    CanonicalBody body(how, [&out](std::string_view bytes) { out += bytes; });
    while (!text.empty()) {
        body.add(text.substr(0, part));
        text.remove_prefix(std::min(part, text.size()));
    }
    body.finish();
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    const auto header = message::Header::scan(message, {.size_max = 8192, .fields_max = 50});
    const auto count = header.count("DKIM-Signature");
    const auto results = test::verify(message, test::rfc_keys());
    SEKISHO_ASSERT(header.complete() ? results.size() == std::min<std::size_t>(count, 8) : true);
    for (const message::Field& field : header.fields()) {
        const auto signature = parse_signature(field);
        if (signature) {
            SEKISHO_ASSERT(is_domain(signature->domain) && is_domain(signature->selector));
            SEKISHO_ASSERT(signature->body_hash.size() == 32 && !signature->headers.empty());
        }
        for (const auto how : {Canonicalization::Simple, Canonicalization::Relaxed}) {
            const std::string line = canonical_field(field, how);
            SEKISHO_ASSERT(line.ends_with("\r\n"));
        }
    }
    const std::string_view body = message.substr(header.body_offset());
    for (const auto how : {Canonicalization::Simple, Canonicalization::Relaxed}) {
        const std::string whole = canonical(how, body, size + 1);
        SEKISHO_ASSERT(canonical(how, body, 1) == whole && canonical(how, body, 3) == whole);
        SEKISHO_ASSERT(canonical(how, whole, 5) == whole);
    }
    return 0;
}
