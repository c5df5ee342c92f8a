// Any bytes as the pieces of a report (split at 0x1E): always 7-bit, CRLF, no line over 998, and
// three parts.
#include "base/assert.h"
#include "base/bytes.h"
#include "message/dsn.h"
#include "message/encode.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace sekisho;
using namespace sekisho::message;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    std::vector<std::string_view> piece = split(input, '\x1e');
    piece.resize(7);
    SEKISHO_ASSERT(decode_words(encode_words(piece[0])).size() <= 3 * input.size() + 4096);
    DsnRequest request;
    request.reporting_mta = "mail.example.net";
    request.from = "postmaster@mail.example.net";
    request.to = "taro@example.net";
    request.dsn_id = "id";
    request.envid = piece[1];
    request.original = piece[0];
    DsnRecipient recipient;
    recipient.address = piece[2];
    recipient.orcpt = piece[3];
    recipient.status = piece[4];
    recipient.diagnostic = piece[5];
    recipient.remote_mta = piece[6];
    request.recipients = {recipient, recipient};
    const auto dsn = build_dsn(request);
    SEKISHO_ASSERT(dsn.has_value());
    std::size_t line = 0;
    for (std::size_t i = 0; i < dsn->message.size(); ++i) {
        const char c = dsn->message[i];
        SEKISHO_ASSERT(static_cast<unsigned char>(c) < 128 && c != '\0');
        SEKISHO_ASSERT((c == '\n') == (i > 0 && dsn->message[i - 1] == '\r'));
        line = c == '\n' ? 0 : line + 1;
        SEKISHO_ASSERT(line <= 999);
    }
    return 0;
}
