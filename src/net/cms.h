// Signs a text so that it is inside its signature: SignedData of RFC 5652, in DER. Apple's devices
// show who signed a configuration profile, and warn of one that nobody did.
#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace sekisho::net {

class CmsSigner {
  public:
    // Both files in PEM; the first certificate is the signer's, the others go along.
    [[nodiscard]] static Result<std::shared_ptr<const CmsSigner>> open(
        const std::string& certificate_file, const std::string& key_file
    );
    virtual ~CmsSigner() = default;
    // Thread-safe.
    [[nodiscard]] virtual Result<std::string> sign(std::string_view text) const = 0;
};

}  // namespace sekisho::net
