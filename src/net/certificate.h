// What stands in a certificate file, for who has to renew it.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <string>

namespace sekisho::net {

struct CertificateFacts {
    Time not_after{};
    bool self_signed = false;
    std::string key_sha256;   // of its SubjectPublicKeyInfo, octets: TLSA 3 1 1 (RFC 7672 §3.1.1)
    bool names_host = false;  // it is for the host that was asked about (RFC 6125)
};

// Of the first certificate in a PEM file. Errors name the file.
[[nodiscard]] Result<CertificateFacts> read_certificate(
    const std::string& file, const std::string& host
);

}  // namespace sekisho::net
