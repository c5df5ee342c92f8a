// Any bytes as a packet: first as they are, then signed, so that what a NAS with the right secret
// sends is reached too. What is answered must have been authentic.
#include "base/assert.h"
#include "base/ip.h"
#include "base/time.h"
#include "line/memory_store.h"
#include "line/radius.h"
#include "line/radius_packet.h"

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

std::string sign(std::string packet) {
    if (packet.size() < 20) {
        packet.resize(20, '\0');
    }
    packet[0] = '\x04';
    packet[2] = static_cast<char>(packet.size() >> 8U);
    packet[3] = static_cast<char>(packet.size() & 0xffU);
    packet.replace(4, 16, 16, '\0');
    const std::string bytes = packet + "secret";
    EVP_Digest(
        bytes.data(),
        bytes.size(),
        reinterpret_cast<unsigned char*>(packet.data() + 4),
        nullptr,
        EVP_md5(),
        nullptr
    );
    return packet;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    const std::string input{reinterpret_cast<const char*>(data), size};
    const Time now{Duration{1'700'000'000'000}};
    line::MemoryLineStore store;
    line::AccountingReceiver receiver{
        {.clients = {{.from = *Prefix::parse("127.0.0.1"), .secret = "secret"}}}, store
    };
    const IpAddress from = *IpAddress::parse("127.0.0.1");
    const auto plain = receiver.handle(input, from, now);
    SEKISHO_ASSERT(!plain || line::is_authentic(input, "secret"));
    if (size > line::kRadiusPacketMax) {
        return 0;
    }
    const auto answer = receiver.handle(sign(input), from, now);
    SEKISHO_ASSERT(!answer || (answer->size() >= 20 && answer->size() <= line::kRadiusPacketMax));
    return 0;
}
