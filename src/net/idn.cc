#include "net/idn.h"

#include <algorithm>
#include <idn2.h>
#include <memory>
#include <optional>
#include <string>

namespace sekisho::net {

// The non-transitional mapping of UTS 46 is what browsers use.
std::optional<std::string> to_a_labels(const std::string& domain) {
    if (std::ranges::all_of(domain, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
        return domain;
    }
    struct Free {
        void operator()(char* text) const { idn2_free(text); }
    };
    char* raw = nullptr;
    const int result =
        idn2_to_ascii_8z(domain.c_str(), &raw, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    const std::unique_ptr<char, Free> text(raw);
    if (result != IDN2_OK) {
        return std::nullopt;
    }
    return std::string(text.get());
}

}  // namespace sekisho::net
