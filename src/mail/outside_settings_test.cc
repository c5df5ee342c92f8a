#include "mail/outside_settings.h"

#include <gtest/gtest.h>
#include <string>

namespace sekisho::mail {
namespace {

std::string server(const char* host, const char* port, const char* security) {
    return std::string("<outgoingServer type=\"smtp\"><hostname>") + host + "</hostname><port>" +
           port + "</port><socketType>" + security + "</socketType></outgoingServer>";
}
std::string document(const std::string& servers) {
    return "<?xml version=\"1.0\"?><clientConfig version=\"1.1\"><emailProvider id=\"a.example\">"
           "<domain>a.example</domain><incomingServer type=\"imap\"><hostname>imap.a.example"
           "</hostname><port>993</port><socketType>SSL</socketType></incomingServer>" +
           servers + "</emailProvider></clientConfig>";
}

TEST(OutsideSettings, ImplicitTlsComesFirst) {
    const auto read = read_autoconfig(document(
        server("SMTP.a.example", "587", "STARTTLS") + server("smtp.a.example", "465", "SSL")
    ));
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->size(), 2U);
    EXPECT_EQ(read->at(0).port, 465);
    EXPECT_TRUE(read->at(0).implicit_tls);
    EXPECT_EQ(read->at(1).host, "smtp.a.example");
    EXPECT_FALSE(read->at(1).implicit_tls);
}

TEST(OutsideSettings, WhatCantBeUsedIsLeftOut) {
    const auto read = read_autoconfig(document(
        server("smtp.a.example", "25", "plain") + server("smtp.a.example", "many", "SSL") +
        server("&lt;b&gt;", "465", "SSL") + server("", "465", "SSL")
    ));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(read->empty());
    EXPECT_FALSE(read_autoconfig("<html><body>Not found</body></html>"));
    EXPECT_FALSE(read_autoconfig("Not found"));
    EXPECT_FALSE(read_autoconfig(""));
}

}  // namespace
}  // namespace sekisho::mail
