// The packets of the milter protocol, version 6, as sendmail's libmilter speaks it: four octets of
// length in network order, one of command, and its data. Pure.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::milter {

inline constexpr std::uint32_t kVersion = 6, kVersionMin = 2;

// What we tell.
namespace command {
inline constexpr char kNegotiate = 'O', kMacros = 'D', kConnect = 'C', kHelo = 'H', kMail = 'M',
                      kRcpt = 'R', kData = 'T', kHeader = 'L', kEndOfHeader = 'N', kBody = 'B',
                      kEndOfMessage = 'E', kAbort = 'A', kQuit = 'Q', kNewClient = 'K';
}  // namespace command

// What a milter answers, and what it wants changed at the end of a message.
namespace response {
inline constexpr char kAccept = 'a', kContinue = 'c', kDiscard = 'd', kReject = 'r',
                      kTempFail = 't', kReply = 'y', kSkip = 's', kProgress = 'p',
                      kConnectionFail = 'f';
inline constexpr char kAddRcpt = '+', kAddRcptWith = '2', kDeleteRcpt = '-', kReplaceBody = 'b',
                      kAddHeader = 'h', kInsertHeader = 'i', kChangeHeader = 'm', kChangeFrom = 'e',
                      kQuarantine = 'q';
}  // namespace response

// Which changes a milter may ask for.
namespace action {
inline constexpr std::uint32_t kAddHeader = 0x01, kChangeBody = 0x02, kAddRcpt = 0x04,
                               kDeleteRcpt = 0x08, kChangeHeader = 0x10, kQuarantine = 0x20,
                               kChangeFrom = 0x40, kAddRcptWith = 0x80, kMacroList = 0x100;
inline constexpr std::uint32_t kAll = 0x1FF;
}  // namespace action

// Which steps it does without (No...), or doesn't answer (Silent...).
namespace step {
inline constexpr std::uint32_t kNoConnect = 0x01, kNoHelo = 0x02, kNoMail = 0x04, kNoRcpt = 0x08,
                               kNoBody = 0x10, kNoHeader = 0x20, kNoEndOfHeader = 0x40,
                               kSilentHeader = 0x80, kNoUnknown = 0x100, kNoData = 0x200,
                               kSkip = 0x400, kSilentConnect = 0x1000, kSilentHelo = 0x2000,
                               kSilentMail = 0x4000, kSilentRcpt = 0x8000, kSilentData = 0x10000,
                               kSilentUnknown = 0x20000, kSilentEndOfHeader = 0x40000,
                               kSilentBody = 0x80000, kLeadingSpace = 0x100000;
// All but recipients that were refused (0x800): what we refuse isn't a milter's affair.
inline constexpr std::uint32_t kOffered = 0x1FF7FF;
}  // namespace step

struct Packet {
    char command = 0;
    std::string data;
    friend bool operator==(const Packet&, const Packet&) = default;
};

[[nodiscard]] std::string to_bytes(char command, std::string_view data = {});
// `text` and the octet 0 that ends it. What comes after a 0 inside of it isn't told.
[[nodiscard]] std::string terminated(std::string_view text);
[[nodiscard]] std::string number(std::uint32_t value);  // four octets

// Cuts a stream of octets into packets.
class PacketReader {
  public:
    static constexpr std::size_t kDataMax = 1024UL * 1024;

    void receive(std::string_view bytes) { input_ += bytes; }
    // nullopt: more octets are needed. Invalid: an empty packet, or one beyond kDataMax.
    [[nodiscard]] Result<std::optional<Packet>> next();
    [[nodiscard]] bool empty() const { return input_.empty(); }

  private:
    std::string input_;
};

// Reads the data of a packet from its beginning.
class DataReader {
  public:
    explicit DataReader(std::string_view data) : data_(data) {}
    [[nodiscard]] std::optional<std::uint32_t> number();
    // Up to the next octet 0, which must be there.
    [[nodiscard]] std::optional<std::string> text();
    [[nodiscard]] bool empty() const { return data_.empty(); }

  private:
    std::string_view data_;
};

}  // namespace sekisho::milter
