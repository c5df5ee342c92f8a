// The PROXY protocol on a connection.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "net/stream.h"
#include "net/task.h"

namespace sekisho::net {

// Reads the header that must be the first thing on the connection, and not an octet more; the
// stream's peer() and local() are then what it says. Invalid: there is no header, or a bad one.
// The stream must live until the end.
Task<Status> take_proxy_header(Stream& stream, Duration timeout);

}  // namespace sekisho::net
