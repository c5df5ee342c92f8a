// The keys as files: `keys.json` (keyring.h) and DOMAIN/SELECTOR.pem, mode 0600 in folders 0700.
// The mail role and the command line both change them: each change holds a lock and reads the
// list anew.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "dkim/key.h"
#include "dkim/keys/keyring.h"
#include "dkim/sign.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::dkim {

class KeyStore {
  public:
    // `owner`: the user that the mail role changes to; files made by root are given to them. Empty:
    // to whom the folder belongs.
    KeyStore(std::string folder, std::string owner)
        : folder_(std::move(folder)), owner_(std::move(owner)) {}

    // Makes the folder, and gives all that is in it to the owner.
    [[nodiscard]] Status prepare() const;

    // Empty when there is none yet.
    [[nodiscard]] Result<Keyring> read() const;
    // Reads the list under the lock, and writes what `change` made of it; nothing when it failed.
    // The files of keys that are removed by it are deleted.
    [[nodiscard]] Status update(const std::function<Status(Keyring&)>& change) const;
    // Makes keys in state waiting. RSA takes a tenth of a second or more each.
    using Wanted = std::vector<std::pair<std::string, Algorithm>>;  // domain
    [[nodiscard]] Result<std::vector<KeyEntry>> make(const Wanted& wanted, Time now) const;
    [[nodiscard]] Result<PrivateKey> load(const KeyEntry& entry) const;

    // Another value when the list has changed since; 0: there is none.
    [[nodiscard]] std::int64_t stamp() const;

  private:
    [[nodiscard]] std::string list_path() const { return folder_ + "/keys.json"; }
    [[nodiscard]] std::string key_path(const KeyEntry& entry) const {
        return folder_ + "/" + entry.domain + "/" + entry.selector + ".pem";
    }
    [[nodiscard]] Status give(const std::string& path) const;
    [[nodiscard]] Status keep(KeyEntry& entry, const PrivateKey& key, Keyring& ring) const;
    [[nodiscard]] Status write(const std::string& path, std::string_view content) const;

    std::string folder_, owner_;
};

struct SignerOptions {
    std::vector<std::string> domains;
    std::vector<Algorithm> algorithms;
    // One of the From domains when it lies below one of ours: notifications come from postmaster@
    // it.
    std::string hostname;
};
// The signer of the keys in state signing.
[[nodiscard]] Result<std::shared_ptr<const Signer>> make_signer(
    const KeyStore& store, const SignerOptions& options
);

}  // namespace sekisho::dkim
