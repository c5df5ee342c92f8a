#include "desk/metrics_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

namespace sekisho::desk {
namespace {

// By name.
constexpr Metric kMetrics[] = {
    {"sekisho_build_info", "version", "Constant 1, labelled with the version"},
    {"sekisho_events_total", "kind", "Events recorded since this desk started, by kind"},
    {"sekisho_gate_answer_answered_total", "", "Connections that were told why they end at the gate"
    },
    {"sekisho_gate_answer_crowded_total", "", "Connections closed without a word: too many at once"
    },
    {"sekisho_gate_answer_open", "", "Connections that are being answered"},
    {"sekisho_gate_class_prefixes", "class", "Prefixes of the class"},
    {"sekisho_gate_client_bytes_total",
     "class,engine,direction",
     "Bytes of these packets; engine xdp counts frames, nftables IP packets"},
    {"sekisho_gate_client_packets_total",
     "class,engine,direction",
     "Packets on port 25 that the gate judged, by the class of the client"},
    {"sekisho_gate_engine_total", "what", "What the engine counts beside its rules"},
    {"sekisho_gate_events_lost_total", "by", "Blocked packets that no event tells of"},
    {"sekisho_gate_evidence_living", "", "Cases in which flows are recorded"},
    {"sekisho_gate_interface_attached", "interface,mode", "Whether packets there are judged"},
    {"sekisho_gate_leases", "kind", "Leases that live"},
    {"sekisho_gate_line_index_bytes", "", "Memory that they take"},
    {"sekisho_gate_line_index_indexed",
     "",
     "Whether look-ups are answered from memory; else from the database"},
    {"sekisho_gate_line_index_sessions", "", "Sessions of lines in memory"},
    {"sekisho_gate_lines_blocked_packets_total", "", "Packets blocked, of all lines and addresses"},
    {"sekisho_gate_lines_known", "", "Lines and addresses that were blocked since the start"},
    {"sekisho_gate_lines_would_block_packets_total",
     "",
     "Packets that would be blocked, were their rules enforced"},
    {"sekisho_gate_prefixes", "", "Prefixes of the policy in force"},
    {"sekisho_gate_rule_bytes_total",
     "rule,action,done,stage,engine,direction",
     "Bytes of these packets; engine xdp counts frames, nftables IP packets"},
    {"sekisho_gate_rule_packets_total",
     "rule,action,done,stage,engine,direction",
     "Packets on port 25 that the gate judged, by rule; done is what the engine does for the "
     "action"},
    {"sekisho_journal_up", "", "Whether the journal could be read"},
    {"sekisho_mail_conduct_hold", "", "Accounts whose mail is held"},
    {"sekisho_mail_conduct_password", "", "Accounts that need a new password"},
    {"sekisho_mail_conduct_slow", "", "Accounts that may send only a little"},
    {"sekisho_mail_conduct_suspended", "", "Accounts that may not send"},
    {"sekisho_mail_connections_browsers", "", "Connections that spoke HTTP, since the start"},
    {"sekisho_mail_connections_early_talkers",
     "",
     "Clients that spoke before the greeting, since the start"},
    {"sekisho_mail_connections_open", "", "Connections that are open"},
    {"sekisho_mail_connections_proxies_refused",
     "",
     "Connections whose PROXY header was missing, wrong or not permitted, since the start"},
    {"sekisho_mail_connections_refused",
     "",
     "Connections refused: too many of one client, or of all, since the start"},
    {"sekisho_mail_connections_timeouts",
     "",
     "Connections ended because nothing came, since the start"},
    {"sekisho_mail_connections_total", "", "Connections taken"},
    {"sekisho_mail_delivery_attempts_total", "", "Tries to deliver to another server"},
    {"sekisho_mail_delivery_bounced_total", "", "Recipients given up"},
    {"sekisho_mail_delivery_deferred_total", "", "Recipients put off for another try"},
    {"sekisho_mail_delivery_delivered_total", "", "Recipients delivered"},
    {"sekisho_mail_delivery_in_delivery", "", "Recipients being delivered now"},
    {"sekisho_mail_delivery_notices_total", "", "Delivery status notifications made"},
    {"sekisho_mail_delivery_reused_total", "", "Deliveries over a connection that was open already"
    },
    {"sekisho_mail_delivery_tls_failed_total", "", "Tries that ended because TLS did not come about"
    },
    {"sekisho_mail_delivery_tls_total", "", "Deliveries over TLS"},
    {"sekisho_mail_dmarc_fail",
     "",
     "Messages of other servers with this DMARC result, since the start"},
    {"sekisho_mail_dmarc_none",
     "",
     "Messages of other servers with this DMARC result, since the start"},
    {"sekisho_mail_dmarc_pass",
     "",
     "Messages of other servers with this DMARC result, since the start"},
    {"sekisho_mail_dmarc_permerror",
     "",
     "Messages of other servers with this DMARC result, since the start"},
    {"sekisho_mail_dmarc_temperror",
     "",
     "Messages of other servers with this DMARC result, since the start"},
    {"sekisho_mail_feeds_file_dropped_total",
     "",
     "Events that the file of [events] was never told: too many waited"},
    {"sekisho_mail_feeds_file_failures_total", "", "Tries to tell the file of [events] that failed"
    },
    {"sekisho_mail_feeds_file_sent_total", "", "Events that the file of [events] was told"},
    {"sekisho_mail_feeds_webhook_dropped_total",
     "",
     "Events that the webhook of [events] was never told: too many waited"},
    {"sekisho_mail_feeds_webhook_failures_total",
     "",
     "Tries to tell the webhook of [events] that failed"},
    {"sekisho_mail_feeds_webhook_sent_total", "", "Events that the webhook of [events] was told"},
    {"sekisho_mail_greylisted", "", "Recipients told to come again, since the start"},
    {"sekisho_mail_journal_dropped",
     "",
     "Events lost because they could not be written. Must stay 0"},
    {"sekisho_mail_journal_written", "", "Events written by the mail role since the start"},
    {"sekisho_mail_limits_dropped_live",
     "limit",
     "Keys forgotten too early because there were too many, since the start"},
    {"sekisho_mail_limits_keys", "limit", "Keys that the limit remembers"},
    {"sekisho_mail_limits_refused", "limit", "What it refused since the start"},
    {"sekisho_mail_limits_taken", "limit", "What the limit let pass since the start"},
    {"sekisho_mail_limits_would_refuse",
     "limit",
     "What it would have refused, were it not in shadow, since the start"},
    {"sekisho_mail_logins_accepted", "", "Logins that succeeded since the start"},
    {"sekisho_mail_logins_refused", "", "Logins that failed since the start"},
    {"sekisho_mail_messages_accepted", "", "Messages answered 250 since the start"},
    {"sekisho_mail_messages_octets", "", "Their size together"},
    {"sekisho_mail_messages_recipients", "", "Their recipients together"},
    {"sekisho_mail_messages_signed", "", "How many of them were signed with DKIM"},
    {"sekisho_mail_milters_accepted", "milter", "Messages of which it wanted to see no more"},
    {"sekisho_mail_milters_away", "milter", "Messages and recipients it couldn't be asked about"},
    {"sekisho_mail_milters_changed", "milter", "Messages it changed"},
    {"sekisho_mail_milters_content_seconds",
     "milter",
     "How long it took to say what becomes of a message, from its first field on",
     true},
    {"sekisho_mail_milters_discarded", "milter", "Messages thrown away at its word"},
    {"sekisho_mail_milters_down", "milter", "Whether it couldn't be reached when tried last"},
    {"sekisho_mail_milters_messages", "milter", "Messages it was asked about"},
    {"sekisho_mail_milters_passed", "milter", "Messages it let pass"},
    {"sekisho_mail_milters_quarantined", "milter", "Messages held at its word"},
    {"sekisho_mail_milters_rejected", "milter", "Messages and recipients refused at its word"},
    {"sekisho_mail_milters_spam", "milter", "Messages it marked as spam"},
    {"sekisho_mail_milters_tempfailed", "milter", "Messages and recipients put off at its word"},
    {"sekisho_mail_misplaced_clients",
     "",
     "Mail programs that came to port 25 and were told of 587, since the start"},
    {"sekisho_mail_peers_client", "", "Peers on port 25 judged so, since the start"},
    {"sekisho_mail_peers_server", "", "Peers on port 25 judged so, since the start"},
    {"sekisho_mail_peers_unknown", "", "Peers on port 25 judged so, since the start"},
    {"sekisho_mail_queue_acks_before_durable_total",
     "",
     "Messages answered 250 before they were on stable storage. Must stay 0"},
    {"sekisho_mail_queue_append_failures_total",
     "",
     "Messages that could not be made durable, and were answered 4xx"},
    {"sekisho_mail_queue_appended_total", "", "Messages made durable"},
    {"sekisho_mail_queue_commits_total", "", "Commits of the spool"},
    {"sekisho_mail_queue_damaged", "", "Records of the spool that could not be read"},
    {"sekisho_mail_queue_held", "", "Messages held by an operator or a rule"},
    {"sekisho_mail_queue_in_delivery", "", "Messages being delivered now"},
    {"sekisho_mail_queue_live_bytes", "", "What of it belongs to messages that wait"},
    {"sekisho_mail_queue_queued", "", "Messages in the queue"},
    {"sekisho_mail_queue_scheduled", "", "Messages that wait for their next try"},
    {"sekisho_mail_queue_segment_bytes", "", "Their size together"},
    {"sekisho_mail_queue_segments", "", "Segment files of the spool"},
    {"sekisho_mail_queue_synced_bytes_total", "", "Bytes that these wrote to stable storage"},
    {"sekisho_mail_queue_writable",
     "",
     "Whether the spool can be written. 0: every message is answered 4xx"},
    {"sekisho_mail_queue_write_errors_total", "", "Errors of the disk"},
    {"sekisho_mail_reports_duplicates_total", "", "Reports of others that were there already"},
    {"sekisho_mail_reports_failures_total", "", "Tries to send a DMARC or TLS report that failed"},
    {"sekisho_mail_reports_lost_total",
     "",
     "Messages and TLS sessions that no report will tell of: too many different ones"},
    {"sekisho_mail_reports_received_total", "", "DMARC and TLS reports of others that were taken"},
    {"sekisho_mail_reports_recorded_total",
     "",
     "Messages and TLS sessions noted for reports to the domains"},
    {"sekisho_mail_reports_refused_total",
     "",
     "Mails to the address for reports that held none, and reports about domains of others"},
    {"sekisho_mail_reports_sent_total", "", "DMARC and TLS reports sent to other domains"},
    {"sekisho_mail_spf_fail", "", "Messages of other servers with this SPF result, since the start"
    },
    {"sekisho_mail_spf_neutral",
     "",
     "Messages of other servers with this SPF result, since the start"},
    {"sekisho_mail_spf_none", "", "Messages of other servers with this SPF result, since the start"
    },
    {"sekisho_mail_spf_pass", "", "Messages of other servers with this SPF result, since the start"
    },
    {"sekisho_mail_spf_permerror",
     "",
     "Messages of other servers with this SPF result, since the start"},
    {"sekisho_mail_spf_softfail",
     "",
     "Messages of other servers with this SPF result, since the start"},
    {"sekisho_mail_spf_temperror",
     "",
     "Messages of other servers with this SPF result, since the start"},
    {"sekisho_mail_stopping", "", "Whether it is about to end"},
    {"sekisho_mail_tls_failed", "", "TLS handshakes that failed since the start"},
    {"sekisho_mail_tls_started", "", "TLS sessions begun since the start"},
    {"sekisho_up", "role", "Whether the role answered"},
};
static_assert(std::ranges::is_sorted(kMetrics, {}, &Metric::name));

}  // namespace

std::string_view type_of(const Metric& metric) {
    if (metric.histogram) {
        return "histogram";
    }
    return metric.name.ends_with("_total") ? "counter" : "gauge";
}

std::span<const Metric> metrics_table() {
    return kMetrics;
}

const Metric* find_metric(std::string_view name) {
    const auto* const found = std::ranges::lower_bound(kMetrics, name, {}, &Metric::name);
    return found != std::end(kMetrics) && found->name == name ? found : nullptr;
}

std::string metrics_reference() {
    std::string out =
        "# Metrics\n"
        "Made by `sekisho desk metrics-reference` from the table in the code; a test compares it "
        "with what a running system says. `/metrics` of the desk's HTTP port answers this machine, "
        "or an operator's token, in Prometheus' text form. Numbers \"since the start\" begin anew "
        "when the role starts. `packaging/prometheus/alerts.yml` has rules for alarms, "
        "`packaging/grafana/sekisho.json` a dashboard.\n\n"
        "| name | type | labels | meaning |\n|---|---|---|---|\n";
    for (const Metric& one : kMetrics) {
        std::string labels;
        for (std::size_t at = 0; at < one.labels.size();) {
            const std::size_t end = std::min(one.labels.find(',', at), one.labels.size());
            labels +=
                fmt::format("{}`{}`", labels.empty() ? "" : ", ", one.labels.substr(at, end - at));
            at = end + 1;
        }
        out +=
            fmt::format("| `{}` | {} | {} | {} |\n", one.name, type_of(one), labels, one.meaning);
    }
    return out;
}

}  // namespace sekisho::desk
