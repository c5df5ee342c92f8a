#include "peer/host_name.h"

#include "base/ip.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::peer {
namespace {

struct Row {
    const char* host;
    const char* address;
    NameKind kind;
};

TEST(ShapeOf, NamesAsAccessProvidersGiveThem) {
    const std::vector<Row> rows{
        // Japan
        {"p1234-ipbf01marunouchi.tokyo.ocn.ne.jp", "203.0.113.7", NameKind::Dynamic},
        {"p2145089-ipxg00b01tokaisakaetozai.aichi.ocn.ne.jp", "203.0.113.7", NameKind::Dynamic},
        {"p123456-ipoe.ipoe.ocn.ne.jp", "203.0.113.7", NameKind::Dynamic},
        {"i114-180-1-2.s41.a013.ap.plala.or.jp", "114.180.1.2", NameKind::Dynamic},
        {"pdb6214a0.tokyte00.ap.so-net.ne.jp", "219.98.20.160", NameKind::Dynamic},
        {"FL1-122-133-1-2.tky.mesh.ad.jp", "122.133.1.2", NameKind::Dynamic},
        {"ntkngw123456.kngw.nt.ngn.ppp.infoweb.ne.jp", "203.0.113.7", NameKind::Dynamic},
        {"softbank126012034056.bbtec.net", "126.12.34.56", NameKind::Dynamic},
        {"KD106180012034.au-net.ne.jp", "106.180.12.34", NameKind::Dynamic},
        {"KD027085012034.ppp-bb.dion.ne.jp", "27.85.12.34", NameKind::Dynamic},
        {"124-144-12-34.rev.home.ne.jp", "124.144.12.34", NameKind::Dynamic},
        {"zaq3d2e4f5a.zaq.ne.jp", "61.46.79.90", NameKind::Dynamic},
        {"121-83-12-34f1.osk3.eonet.ne.jp", "121.83.12.34", NameKind::Dynamic},
        {"g123.58-98-123.ppp.wakwak.ne.jp", "58.98.123.123", NameKind::Dynamic},
        {"125.30.45.123.dy.iij4u.or.jp", "125.30.45.123", NameKind::Dynamic},
        {"sp49-98-12-34.msd.spmode.ne.jp", "49.98.12.34", NameKind::Dynamic},
        {"122x212x34x56.ap122.ftth.ucom.ne.jp", "122.212.34.56", NameKind::Dynamic},
        {"catv-123-45-67-89.medias.ne.jp", "123.45.67.89", NameKind::Dynamic},
        {"flets-123-45-67-89.example.ne.jp", "123.45.67.89", NameKind::Dynamic},
        // elsewhere
        {"c-73-12-34-56.hsd1.ca.comcast.net", "73.12.34.56", NameKind::Dynamic},
        {"pool-72-66-12-34.washdc.fios.verizon.net", "72.66.12.34", NameKind::Dynamic},
        {"cpe-67-8-12-34.cfl.res.rr.com", "67.8.12.34", NameKind::Dynamic},
        {"p4FDABCDE.dip0.t-ipconnect.de", "79.218.188.222", NameKind::Dynamic},
        {"x5ce1234a.dyn.telefonica.de", "92.225.35.74", NameKind::Dynamic},
        {"host81-152-12-34.range81-152.btcentralplus.com", "81.152.12.34", NameKind::Dynamic},
        {"dsl-187-134-12-34-dyn.prod-infinitum.com.mx", "187.134.12.34", NameKind::Dynamic},
        {"ppp-198-51-100-7.dyn.example.net", "198.51.100.7", NameKind::Dynamic},
        {"dhcp-7.campus.example.edu", "198.51.100.7", NameKind::Dynamic},
        // made from the address, no more said
        {"198-51-100-7.example.net", "198.51.100.7", NameKind::Generic},
        {"7.100.51.198.example.com", "198.51.100.7", NameKind::Generic},
        {"v133-18-101-202.example.jp", "133.18.101.202", NameKind::Generic},
        {"2001-db8-0-1--25.example.net", "2001:db8:0:1::25", NameKind::Plain},
        {"20010db8000000010000000000000025.v6.example.net", "2001:db8:0:1::25", NameKind::Generic},
        // fixed lines and machines in data centres
        {"static-198-51-100-7.example.net", "198.51.100.7", NameKind::Static},
        {"198-51-100-7.static.dsl.example.net", "198.51.100.7", NameKind::Static},
        {"ik1-123-45678.vs.sakura.ne.jp", "203.0.113.7", NameKind::Static},
        {"sv1234.xserver.jp", "203.0.113.7", NameKind::Static},
        {"ec2-3-112-12-34.ap-northeast-1.compute.amazonaws.com", "3.112.12.34", NameKind::Static},
        // mail servers
        {"mail.example.net", "198.51.100.7", NameKind::Mail},
        {"mx1.example.co.jp", "198.51.100.7", NameKind::Mail},
        {"mail-yw1-f172.google.com", "209.85.128.172", NameKind::Mail},
        {"mail-tyzapc01on2045.outbound.protection.outlook.com", "40.107.117.45", NameKind::Mail},
        {"a8-52.smtp-out.amazonses.com", "54.240.8.52", NameKind::Mail},
        {"mta-sndfb1-e01.mail.nifty.example", "106.153.226.1", NameKind::Mail},
        {"smtp-pool-03.example.com", "198.51.100.7", NameKind::Mail},
        {"mx1-2.example.com", "198.51.1.2", NameKind::Mail},
        // chosen by somebody
        {"kaze.example.org", "198.51.100.7", NameKind::Plain},
        {"www12345.sakura.ne.jp", "203.0.113.7", NameKind::Plain},
        {"pool.example.org", "198.51.100.7", NameKind::Plain},
        {"example.org", "198.51.100.7", NameKind::Plain},
        {"gw.cable.net", "198.51.100.7", NameKind::Plain},  // the registered name says nothing
        {"gw.dyn-works.mx", "198.51.100.7", NameKind::Plain},
        // no host names
        {"localhost", "127.0.0.1", NameKind::Bad},
        {"198.51.100.7", "198.51.100.7", NameKind::Bad},
        {"a b.example.net", "198.51.100.7", NameKind::Bad},
        {"", "198.51.100.7", NameKind::Bad},
    };
    for (const Row& row : rows) {
        const NameShape shape = shape_of(row.host, *IpAddress::parse(row.address));
        EXPECT_EQ(name(shape.kind), name(row.kind)) << row.host << " by " << shape.evidence;
    }
}

TEST(ShapeOf, EvidenceIsTheWordThatDecided) {
    EXPECT_EQ(shape_of("ppp-7.example.net", *IpAddress::parse("192.0.2.7")).evidence, "ppp");
    EXPECT_EQ(shape_of("smtp01.example.net", *IpAddress::parse("192.0.2.7")).evidence, "smtp");
    EXPECT_EQ(shape_of("c0000208.example.net", *IpAddress::parse("192.0.2.7")).evidence, "");
    EXPECT_EQ(
        shape_of("xc0000207.example.net", *IpAddress::parse("192.0.2.7")).evidence, "c0000207"
    );
}

TEST(IsHostName, TakesWhatTheDnsTakes) {
    for (const char* good :
         {"a.b", "a.b.", "x-1.example.NET", "_dmarc.example.net", "1.2.3.4.in-addr.arpa"}) {
        EXPECT_TRUE(is_host_name(good)) << good;
    }
    const std::string long_label(64, 'a');
    for (const std::string& bad : std::vector<std::string>{
             "",
             ".",
             "a",
             "a..b",
             ".a.b",
             "-a.b",
             "a-.b",
             "1.2.3.4",
             "[1.2.3.4]",
             "a b.c",
             "a.b\r\n",
             long_label + ".b",
             "\xe3\x81\x82.jp",
             std::string(300, 'a') + ".b"
         }) {
        EXPECT_FALSE(is_host_name(bad)) << bad;
    }
}

}  // namespace
}  // namespace sekisho::peer
