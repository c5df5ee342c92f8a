// SEKISHO_ASSERT: an invariant of ours is broken, so the process stops. On in release builds too;
// the durable queue makes that safe. Never for what a peer or an operator can cause.
#pragma once

namespace sekisho {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

#define SEKISHO_ASSERT(expression)       \
    ((expression) ? static_cast<void>(0) \
                  : ::sekisho::assertion_failed(#expression, __FILE__, __LINE__))
