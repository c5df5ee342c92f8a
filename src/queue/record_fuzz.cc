// Any bytes as a record header, a segment header and each payload. What is read must be written
// back as the same bytes' meaning.
#include "queue/record.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace sekisho::queue;  // NOLINT(google-build-using-namespace): a program of one file

template <class Decode>
void round_trip(std::string_view bytes, const Decode& decode) {
    if (const auto value = decode(bytes)) {
        if (encode(*value) != bytes) {
            std::abort();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto header = decode_record_header(bytes)) {
        if (decode_record_header(encode(*header)) != header) {
            std::abort();
        }
    }
    if (const auto header = decode_segment_header(bytes)) {
        if (decode_segment_header(encode(*header)) != header) {
            std::abort();
        }
    }
    round_trip(bytes, decode_message);
    round_trip(bytes, decode_outcome);
    round_trip(bytes, decode_hold);
    round_trip(bytes, decode_due);
    round_trip(bytes, decode_trim);
    return 0;
}
