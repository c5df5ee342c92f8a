// What the guide may know about its reader, found in policy, lines and journal.
#pragma once

#include "desk/context.h"

namespace sekisho::desk {

class DeskFacts : public guide::Facts {
  public:
    explicit DeskFacts(const Context& context) : context_(context) {}

    [[nodiscard]] guide::Standing standing(const IpAddress& address) override;
    [[nodiscard]] std::optional<guide::Standing> class_standing(std::string_view name) override;
    [[nodiscard]] Result<guide::OwnLine> own_line(const IpAddress& address, Time now) override;
    [[nodiscard]] std::optional<Time> refused_at(
        std::string_view reference, const IpAddress& address
    ) override;
    // Both asked of the mail role.
    [[nodiscard]] Result<guide::SendAsClaim> send_as_claim(std::string_view code) override;
    [[nodiscard]] Result<guide::SendAsClaim> prove_send_as(std::string_view code) override;

  private:
    [[nodiscard]] guide::Standing of_class(policy::ClassId id) const;
    [[nodiscard]] guide::Port25 port25(policy::ClassId client, policy::ClassId server) const;
    [[nodiscard]] std::optional<Time> policy_since() const;
    [[nodiscard]] Result<guide::SendAsClaim> ask_send_as(
        const std::string& command, std::string_view code
    ) const;
    [[nodiscard]] Status count_blocked(
        guide::OwnLine& line, event::Query query, bool unattributed_only
    );
    [[nodiscard]] Status count_logins(guide::OwnLine& line, const IpAddress& address, Time since);

    const Context& context_;
};

}  // namespace sekisho::desk
