// Any bytes as an address list: bounded, and what was read reads back the same.
#include "base/assert.h"
#include "message/address.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace sekisho;
using namespace sekisho::message;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view value(reinterpret_cast<const char*>(data), size);
    const AddressList list = parse_address_list(value, 100);
    SEKISHO_ASSERT(list.mailboxes.size() <= 100);
    for (const Mailbox& mailbox : list.mailboxes) {
        SEKISHO_ASSERT(!mailbox.local.empty() && !mailbox.domain.empty());
        const std::string address = mailbox.address();
        const AddressList again = parse_address_list("<" + address + ">");
        SEKISHO_ASSERT(again.mailboxes.size() == 1 && again.well_formed);
        SEKISHO_ASSERT(again.mailboxes[0].address() == address);
    }
    return 0;
}
