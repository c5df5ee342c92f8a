// The subcommands. Each adds itself to the command line and sets `run` when chosen.
#pragma once

#include "cli/context.h"

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace sekisho::cli {

// What main does after parsing: runs the chosen subcommand and gives its exit code.
using Chosen = std::function<int()>;

void add_run(CLI::App& app, Context& context, Chosen& chosen);   // run, init
void add_gate(CLI::App& app, Context& context, Chosen& chosen);  // gate [run|status|explain]
void add_gate_top(CLI::App& gate, Context& context, Chosen& chosen);
void add_gate_plan(CLI::App& gate, Context& context, Chosen& chosen);
void add_gate_replay(CLI::App& gate, Context& context, Chosen& chosen);
void add_gate_apply(
    CLI::App& gate, Context& context, Chosen& chosen
);  // apply, confirm, rollback, history
// Under `gate`: evidence start|list|show|stop.
void add_evidence(CLI::App& gate, Context& context, Chosen& chosen);
void add_gate_events(CLI::App& gate, Context& context, Chosen& chosen);
// Under `gate`: exempt or penalty, each add|list|renew|revoke.
void add_leases(
    CLI::App& gate,
    Context& context,
    Chosen& chosen,
    const std::string& name,
    const std::string& kind
);
void add_mail(CLI::App& app, Context& context, Chosen& chosen);  // mail [run|status]
void add_peer(CLI::App& app, Context& context, Chosen& chosen);  // peer explain|tls|evidence|names
void add_peer_tls(CLI::App& peer, Context& context, Chosen& chosen);
void add_peer_evidence(CLI::App& peer, Context& context, Chosen& chosen);
void add_desk(CLI::App& app, Context& context, Chosen& chosen);  // desk [run|status]
void add_account(
    CLI::App& app, Context& context, Chosen& chosen
);  // account add|passwd|list|enable|disable|remove|import|app-password
void add_account_set(CLI::App& account, Context& context, Chosen& chosen);       // set, show
void add_account_delegate(CLI::App& account, Context& context, Chosen& chosen);  // add|remove|list
void add_account_import(CLI::App& account, Context& context, Chosen& chosen);
void add_account_link(CLI::App& account, Context& context, Chosen& chosen);
void add_account_time_zone(CLI::App& account, Context& context, Chosen& chosen);
void add_app_password(CLI::App& account, Context& context, Chosen& chosen);
void add_operator(CLI::App& app, Context& context, Chosen& chosen);
void add_audit(CLI::App& app, Context& context, Chosen& chosen);  // audit list|export|verify
void add_account_send_as(CLI::App& account, Context& context, Chosen& chosen);
void add_account_forward(CLI::App& account, Context& context, Chosen& chosen);  // set|list|remove
void add_alias(CLI::App& app, Context& context, Chosen& chosen);  // alias add|import|list|remove
void add_alias_import(CLI::App& alias, Context& context, Chosen& chosen);
void add_srs(CLI::App& app, Context& context, Chosen& chosen);  // srs show
void add_queue(
    CLI::App& app, Context& context, Chosen& chosen
);  // queue list|show|stats|retry|hold|release|reroute|drop|suspend|resume|suspensions
void add_limit(CLI::App& app, Context& context, Chosen& chosen);  // limit list|show|reset|replay
// conduct list|show|undo|exempt; complaint read
void add_conduct(CLI::App& app, Context& context, Chosen& chosen);
// Under `account`: suspend, resume.
void add_account_suspend(CLI::App& account, Context& context, Chosen& chosen);
void add_dkim(
    CLI::App& app, Context& context, Chosen& chosen
);  // dkim keygen|list|show|check|rotate|retire|verify
void add_dns(CLI::App& app, Context& context, Chosen& chosen);     // dns [check]
void add_events(CLI::App& app, Context& context, Chosen& chosen);  // events
void add_trace(CLI::App& app, Context& context, Chosen& chosen);   // trace
void add_why(CLI::App& app, Context& context, Chosen& chosen);     // why
void add_line(CLI::App& app, Context& context, Chosen& chosen);
void add_config(
    CLI::App& app, Context& context, Chosen& chosen
);  // config defaults|check|reference, reload

void add_top(CLI::App& app, Context& context, Chosen& chosen);          // top
void add_certificate(CLI::App& app, Context& context, Chosen& chosen);  // show|renew
void add_suppression(CLI::App& app, Context& context, Chosen& chosen);  // list|add|remove
void add_reports(
    CLI::App& app, Context& context, Chosen& chosen
);  // list|show|dmarc|tls|read|due|send
void add_doctor(CLI::App& app, Context& context, Chosen& chosen);  // doctor

}  // namespace sekisho::cli
