// The envelope of a letter of our own.
#pragma once

#include "base/time.h"
#include "queue/spool.h"

#include <cstddef>
#include <string>

namespace sekisho::queue {

// From the null reverse-path, and without any report: nobody is told that a notice didn't arrive.
// `size` is the message's.
[[nodiscard]] Envelope notice_envelope(
    std::string to, std::string message_id, std::size_t size, Time at
);

}  // namespace sekisho::queue
