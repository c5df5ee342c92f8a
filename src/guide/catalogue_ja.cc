// Japanese, in short and plain sentences.
#include "guide/catalogue.h"

namespace sekisho::guide {
namespace {

constexpr Entry kEntries[] = {
    {"site.title", "メール送信ガイド"},
    {"site.skip", "本文へ移動"},
    {"site.menu", "メニュー"},
    {"site.nav", "ガイドのページ"},
    {"site.switch", "English"},
    {"site.footer",
     "このページは {provider} が提供しています。広告や外部のサービスは使っていません。"},
    {"site.help", "お困りのときは"},
    {"nav.start", "トップ"},
    {"nav.check", "この回線を確認する"},
    {"nav.affected", "止まるメール・止まらないメール"},
    {"nav.remedies", "送れるようにする方法"},
    {"nav.settings", "設定する値と画面"},
    {"nav.setup", "わたしの設定を表示する"},
    {"nav.op25b", "OP25B とは"},
    {"nav.ip25b", "IP25B とは"},
    {"nav.servers", "自宅のサーバーや機器"},
    {"nav.contact", "お問い合わせ"},
    {"nav.refused", "ポート25で断られたとき"},

    {"start.title", "メールを送るためのガイド"},
    {"start.lead",
     "迷惑メールを減らすため、{provider} "
     "はメールの送り方を変えています。このページで、あなたに関係があるかどうかと、すること（"
     "多くの場合は数分の設定）が分かります。"},
    {"start.choose", "あなたの場合を選んでください"},
    {"start.case.own.title", "{provider} のメールアドレスで送りたい"},
    {"start.case.own.text", "自宅からでも外出先からでも、設定は同じです。"},
    {"start.case.other.title", "会社や他社のメールアドレスで送りたい"},
    {"start.case.other.text", "{provider} の回線から、会社・学校・他社のアドレスで送る場合です。"},
    {"start.case.device.title", "自宅のサーバー・プリンター・NAS から送りたい"},
    {"start.case.device.text", "メールサーバーやプログラム、機器が自動でメールを送る場合です。"},
    {"start.case.error.title", "エラーが出た・メールが戻ってきた"},
    {"start.case.error.text", "表示された文や番号から、原因と直し方を探します。"},
    {"start.why", "なぜ変わるのですか"},
    {"start.why.text",
     "メールソフトとメールサーバーが同じポート25を使うと、本物のサーバーと、乗っ取られたパソコンの"
     "区別がつきません。そこで、**人が送るメールは465または587、サーバーどうしは25** "
     "と分けます。くわしくは [OP25B とは](op25b) と [IP25B とは](ip25b) をごらんください。"},

    {"verdict.label", "このページを見ている回線"},
    {"verdict.more", "くわしい確認結果を見る"},
    {"verdict.fix", "設定する値を見る"},
    {"verdict.stopped.title", "ポート25は止まっています"},
    {"verdict.stopped.text",
     "この回線から他社のメールサーバーのポート25へは送れません。**465または587は使えます。** "
     "メールソフトの設定を変えれば送れます。"},
    {"verdict.limited.title", "ポート25は少しだけ通ります"},
    {"verdict.limited.text",
     "この回線からポート25で送れる数には上限があります。**465または587には関係ありません。** "
     "早めに設定を変えてください。"},
    {"verdict.planned.title", "ポート25は、これから止まります"},
    {"verdict.planned.text",
     "いまは通りますが、この回線は対象です。止まる前に、465または587を使う設定に変えてください。"},
    {"verdict.open.title", "ポート25は止まっていません"},
    {"verdict.open.text",
     "この回線は制限の対象ではありません。メールソフトの設定は、安全な465または587をおすすめします"
     "。"},
    {"verdict.outside.title", "{provider} の回線ではありません"},
    {"verdict.outside.text",
     "いまは別の会社の回線から見ています。{provider} "
     "のメールアドレスで送るときは、**465または587** "
     "を使ってください。ポート25では受け付けないことがあります。"},

    {"class.subscribers", "{provider} の回線（変わるアドレス）"},
    {"class.static", "{provider} の回線（固定アドレス）"},
    {"class.roaming", "提携網から借りている {provider} の回線"},
    {"class.outside", "ほかの会社の回線"},
    {"class.other", "区分「{class}」"},
    {"class.roaming.text",
     "この回線は、提携する通信会社の網を借りています。そのため {provider} "
     "のメールサーバーへ送る場合も、ポート25は「外への通信」として扱われることがあります。"},

    {"action.passes", "使えます"},
    {"action.stopped", "止まっています"},
    {"action.limited", "数に上限があります"},
    {"action.observe", "使えます（調査中。いずれ止まります）"},
    {"action.notify", "使えます（お知らせ中。まもなく止まります）"},

    {"check.title", "この回線を確認する"},
    {"check.lead",
     "このページを開いた通信を、サーバー側で調べた結果です。プログラムを入れる必要はありません。"},
    {"check.result", "確認結果"},
    {"check.address", "あなたのアドレス"},
    {"check.family", "通信の種類"},
    {"check.class", "回線の区分"},
    {"check.in_force", "このルールの開始"},
    {"check.closes", "ポート25が止まる日時"},
    {"check.family.note",
     "IPv4 と IPv6 "
     "の両方を持つ回線もあります。下の結果は、このページを開いたアドレスについてのものです。"},
    {"check.ports", "ポートごとの結果"},
    {"check.port", "ポート"},
    {"check.use", "使いみち"},
    {"check.state", "この回線では"},
    {"check.25.others", "他社のメールサーバーへ"},
    {"check.25.us", "{provider} のメールサーバーへ"},
    {"check.465", "メールソフトからの送信（最初から暗号化）"},
    {"check.587", "メールソフトからの送信（STARTTLS）"},
    {"check.own", "この回線の記録（直近24時間）"},
    {"check.own.blocked", "ポート25で止めた通信"},
    {"check.own.would", "これから止まることになる通信"},
    {"check.own.last", "最後の通信"},
    {"check.own.refused", "ログインできなかった回数"},
    {"check.own.login_refused", "最後にログインできなかった時刻"},
    {"check.own.login_accepted", "最後にログインできた時刻"},
    {"check.own.count", "{n} 回"},
    {"check.own.none", "ありません"},
    {"check.own.some",
     "心当たりがない場合は、パソコンや機器がウイルスに感染していないか確認してください。メールソフ"
     "トが自動で設定を調べるときにも、ポート25を試すことがあります。"},
    {"check.own.wrong_login",
     "ログインできないときは、ユーザー名がメールアドレス全体になっているか、パスワードが正しいかを"
     "確認してください。"},
    {"check.own.prefixes", "この回線が使っているアドレス"},
    {"check.own.prefix", "アドレスの範囲"},
    {"check.own.shared",
     "このアドレスは複数の回線で共有されています。ほかの方の記録を見せないため、ここには何も表示し"
     "ません。サポートにお問い合わせください。"},
    {"check.own.nobody",
     "このアドレスをいまどの回線が使っているか分からないため、記録は表示しません。"},
    {"check.own.away",
     "記録をいま読み出せません。しばらくしてから、もう一度開いてください。上の結果は正しいものです"
     "。"},
    {"check.commands", "自分で確かめる"},
    {"check.commands.text",
     "くわしい方は、次の命令でも確かめられます。つながれば、その設定で送れる状態です。"},
    {"check.commands.windows", "Windows(PowerShell)"},
    {"check.commands.unix", "macOS・Linux"},

    {"op25b.title", "OP25B とは"},
    {"op25b.lead",
     "OP25B（Outbound Port 25 Blocking）は、**{provider} の回線から外へ出る** "
     "ポート25の通信を止めるしくみです。日本の多くのプロバイダーが行っています。"},
    {"op25b.why", "なぜ止めるのですか"},
    {"op25b.why.text",
     "迷惑メールの多くは、プロバイダーのメールサーバーを通らず、個人のパソコンや乗っ取られた機器か"
     "ら直接送られます。その出口がポート25です。出口を閉じると、自分の網から迷惑メールを出さずにす"
     "みます。"},
    {"op25b.who", "対象になる通信"},
    {"op25b.who.1", "{provider} の回線から、ほかの会社のメールサーバーのポート25へ送る通信"},
    {"op25b.who.2",
     "提携網を借りた回線では、{provider} "
     "のメールサーバーのポート25へ送る通信も対象になることがあります"},
    {"op25b.who.3", "IPv4 も IPv6 も同じです"},
    {"op25b.problem", "困ること"},
    {"op25b.problem.1", "自宅から、会社や他社のメールを送れなくなることがあります"},
    {"op25b.problem.2", "自宅のメールサーバーやプログラムから、直接メールを送れなくなります"},
    {"op25b.keep",
     "**受信は止まりません。** Web "
     "メール、スマートフォンのアプリ、465または587を使う送信も止まりません。"},
    {"op25b.next", "すること"},
    {"op25b.next.text", "方法は二つあります。[送れるようにする方法](remedies) をごらんください。"},
    {"op25b.picture",
     "図：家のパソコンからポート25で他社のサーバーへ直接送ると止まります。465または587で "
     "{provider} "
     "の送信サーバーを通すと届きます。"},

    {"ip25b.title", "IP25B とは"},
    {"ip25b.lead",
     "IP25B（Inbound Port 25 Blocking）は、**ほかの会社の回線から {provider} へ入る** "
     "ポート25の通信を、メールサーバーだけに限るしくみです。"},
    {"ip25b.why", "なぜ限るのですか"},
    {"ip25b.why.text",
     "だれでもポート25で送れると、メールソフトからのメールと、メールサーバーからのメールが見分けら"
     "れません。サーバーは25、人は465または587と決めると、信頼できるサーバーだけを受け入れたり、送"
     "る数を調整したりできます。"},
    {"ip25b.problem", "困ること"},
    {"ip25b.problem.1",
     "外出先や他社の回線から、{provider} のメールアドレスで、ポート25を使って送れなくなります"},
    {"ip25b.problem.2",
     "変わるアドレスの回線に置いたメールサーバーから、{provider} あてのメールを直接送れなくなります"
    },
    {"ip25b.next", "すること"},
    {"ip25b.next.1", "送信サーバーの認証（ユーザー名とパスワード）を有効にする"},
    {"ip25b.next.2", "ポートを25から465に変える（使えないソフトでは587）"},
    {"ip25b.next.text",
     "{provider} のメールアドレスをお使いの **すべての方** が対象です。値は "
     "[設定する値と画面](settings) にあります。一度変えれば、自宅でも外出先でもそのまま使えます。"},
    {"ip25b.picture",
     "図："
     "外のメールソフトからポート25で入る通信は断られます。465または587なら入れます。メールサーバー"
     "は25で入れます。"},

    {"affected.title", "止まるメール・止まらないメール"},
    {"affected.lead", "止まるのは **送信のポート25だけ** です。どの回線から送るかで決まります。"},
    {"affected.table", "回線ごとの結果"},
    {"affected.line", "送るときの回線"},
    {"affected.others", "25で他社のサーバーへ"},
    {"affected.us", "25で {provider} のサーバーへ"},
    {"affected.submission", "465・587"},
    {"affected.yours", "あなたの回線"},
    {"affected.keep", "止まらないもの"},
    {"affected.keep.1", "メールの受信"},
    {"affected.keep.2", "ブラウザーで使う Web メール"},
    {"affected.keep.3", "465または587を使うメールソフトとアプリ（他社のアドレスも）"},
    {"affected.keep.4", "メール以外のすべての通信"},
    {"affected.errors", "こんな表示が出たら"},
    {"affected.error", "表示"},
    {"affected.cause", "考えられる原因"},
    {"affected.step", "すること"},
    {"affected.e1", "Outlook 0x800CCC0E・0x800CCC0F、ソケットエラー 10060・10061"},
    {"affected.e1.cause", "ポート25のままで、通信が止められています"},
    {"affected.e1.step", "[設定](settings) のポートを465に変える"},
    {"affected.e2", "「送信サーバーに接続できません」"},
    {"affected.e2.cause", "ポートの番号と暗号化の種類が合っていません"},
    {"affected.e2.step", "465は SSL/TLS、587は STARTTLS にする"},
    {"affected.e3", "535 5.7.8、「パスワードが違います」"},
    {"affected.e3.cause", "ユーザー名またはパスワードが違います"},
    {"affected.e3.step", "ユーザー名をメールアドレス全体にする"},
    {"affected.e4", "530 5.7.0、「認証が必要です」"},
    {"affected.e4.cause", "送信サーバーの認証が無効です"},
    {"affected.e4.step", "「認証が必要」を有効にする"},
    {"affected.e5", "550 5.7.1 とこのガイドのアドレス"},
    {"affected.e5.cause", "ポート25で {provider} のサーバーに送りました"},
    {"affected.e5.step", "[ポート25で断られたとき](refused) を読む"},

    {"remedies.title", "送れるようにする方法"},
    {"remedies.lead",
     "方法は二つあります。まず、**メールアドレスを管理している会社に聞く** のが確実です。"},
    {"remedies.own",
     "{provider} のメールアドレスをお使いの方は、[設定する値と画面](settings) "
     "のとおりに変えるだけです。"},
    {"remedies.1", "方法1：アドレスを管理する会社に聞く"},
    {"remedies.1.when", "会社・学校・他社のアドレスをお使いの方に、最初におすすめする方法です。"},
    {"remedies.1.1",
     "お使いのアドレスの会社のサポートページで「サブミッションポート」「587」「465」を探します"},
    {"remedies.1.2",
     "見つからないときは、その会社に「OP25B に対応した送信設定を教えてください」と聞きます"},
    {"remedies.1.3", "教わったサーバー名・ポート・認証を、メールソフトに入れます"},
    {"remedies.1.note", "ポート25の制限は全国で行われているため、ほとんどの会社に用意があります。"},
    {"remedies.2", "方法2：送信だけ {provider} のサーバーを使う"},
    {"remedies.2.when", "アドレスの会社に送信用の設定がない場合の方法です。受信の設定は変えません。"
    },
    {"remedies.2.1", "メールソフトの **送信サーバー** を `{outgoing}` にします"},
    {"remedies.2.2", "ポートを {port} にし、{security} を選びます"},
    {"remedies.2.3", "「認証が必要」を有効にし、{provider} のメールアカウントとパスワードを入れます"
    },
    {"remedies.2.4",
     "他社のアドレスを差出人にするには登録が必要です。[お問い合わせ](contact) "
     "からお申し込みください"},
    {"remedies.2.note",
     "差出人のアドレスの会社が、ほかの会社からの送信を断るように決めている（DMARC）"
     "場合があります。そのときは相手に届かないため、方法1を使ってください。"},
    {"remedies.after", "変えたあとは"},
    {"remedies.after.text",
     "465または587で送るメールは、OP25B・IP25B "
     "の対象になりません。自分あてに1通送って確かめてください。"},

    {"settings.title", "設定する値と画面"},
    {"settings.lead", "メールソフトの **送信サーバー（SMTP）** を、次の値に変えてください。"},
    {"settings.outgoing", "送信サーバー（SMTP）"},
    {"settings.item", "項目"},
    {"settings.value", "値"},
    {"settings.server", "サーバー名"},
    {"settings.port", "ポート"},
    {"settings.security", "接続の保護"},
    {"settings.auth", "認証"},
    {"settings.auth.value", "必要（通常のパスワード）"},
    {"settings.user", "ユーザー名"},
    {"settings.user.value", "メールアドレス全体（例 `taro@{domain}`）"},
    {"settings.password", "パスワード"},
    {"settings.password.value", "メールのパスワード"},
    {"settings.first", "おすすめ"},
    {"settings.second", "465を使えないソフト"},
    {"settings.tls", "SSL/TLS（最初から暗号化）"},
    {"settings.starttls", "STARTTLS（必須）"},
    {"settings.never",
     "「保護なし」「平文」「使用可能な場合のみ」は選ばないでください。パスワードを他人に読まれるお"
     "それがあります。"},
    {"settings.incoming", "受信サーバー"},
    {"settings.incoming.keep",
     "受信の設定は変えなくてかまいません。新しく作るときは次の値を使います。"},
    {"settings.kind", "種類"},
    {"settings.auto", "自動で設定する"},
    {"settings.auto.text",
     "Thunderbird、K-9 Mail、Evolution では、新しいアカウントの画面で "
     "**メールアドレスとパスワードを入れるだけ** で、上の値が入ります。"},
    {"settings.pictures", "画面の例"},
    {"settings.pictures.text",
     "図には実際の値が入っています。ソフトの版によって見た目が少し違います。お使いのソ"
     "フトの手順は [メールソフト別の設定](programs) にあります。"},
    {"settings.own",
     "[わたしの設定を表示する](setup) では、あなたのアドレスを入れた値を印刷できます。"},

    {"picture.thunderbird", "Thunderbird の送信サーバーの設定"},
    {"picture.generic", "一般的なメールソフトの送信サーバーの設定"},
    {"picture.alt",
     "{title}の画面。サーバー名 {outgoing}、ポート {port}、接続の保護 {security}、ユーザー名 "
     "{user}。"},
    {"picture.path", "「アカウント設定」→「送信サーバー」→「編集」"},
    {"picture.path.generic", "「アカウント」→「プロパティ」→「送信サーバー」"},
    {"picture.section.server", "設定"},
    {"picture.section.auth", "セキュリティと認証"},
    {"picture.description", "説明"},
    {"picture.server", "サーバー名"},
    {"picture.port", "ポート番号"},
    {"picture.security", "接続の保護"},
    {"picture.method", "認証方式"},
    {"picture.method.value", "通常のパスワード認証"},
    {"picture.user", "ユーザー名"},
    {"picture.password", "パスワード"},
    {"picture.needs", "このサーバーには認証が必要"},
    {"picture.encrypted", "暗号化（SSL/TLS）で接続する"},
    {"picture.starttls", "STARTTLS で接続する"},
    {"picture.smtp", "送信メール（SMTP）"},
    {"picture.ok", "OK"},
    {"picture.cancel", "キャンセル"},
    {"picture.m.server", "サーバー名に `{outgoing}` と入れます。"},
    {"picture.m.port", "ポートを25から {port} に変えます。"},
    {"picture.m.security", "接続の保護は「{security}」を選びます。"},
    {"picture.m.method",
     "認証方式は「通常のパスワード認証」を選びます。通信は暗号化されているので安全です。"},
    {"picture.m.user", "ユーザー名はメールアドレス全体です。"},
    {"picture.m.needs", "「このサーバーには認証が必要」に印を付けます。"},
    {"picture.m.account", "ユーザー名（メールアドレス全体）とパスワードを入れます。"},
    {"picture.m.tls", "暗号化の欄に印を付けます。"},

    {"setup.title", "わたしの設定を表示する"},
    {"setup.lead",
     "メールアドレスを入れると、そのまま写せる値を表示します。アドレスは保存しません。"},
    {"setup.address", "メールアドレス"},
    {"setup.example", "例 taro@{domain}"},
    {"setup.show", "表示する"},
    {"setup.invalid", "メールアドレスの形になっていません。@ の前後を確かめてください。"},
    {"setup.values", "{address} の設定"},
    {"setup.elsewhere",
     "**{mail_domain}** は {provider} "
     "のアドレスではありません。まず、そのアドレスの会社に送信設定を聞いてください。{provider} "
     "のサーバーを送信だけに使うこともできます。[二つの方法を見る](remedies)"},
    {"setup.programs", "メールソフトごとの入れ方"},
    {"setup.auto", "Thunderbird・K-9 Mail・Evolution"},
    {"setup.auto.text",
     "新しいアカウントの画面で、名前・メールアドレス・パスワードを入れて「続ける」を押します。値は"
     "自動で入ります。"},
    {"setup.apple", "iPhone・iPad・Mac"},
    {"setup.apple.text",
     "設定ファイルを取り込みます。取り込むときに、メールのパスワードを入力してください。「署名なし"
     "」と表示されます。"},
    {"setup.apple.button", "設定ファイルを取り込む"},
    {"setup.other", "そのほかのメールソフト"},
    {"setup.other.text", "上の表の値を、[画面の例](settings) と同じ欄に入れてください。"},
    {"setup.print", "このページは1枚に印刷できます。"},

    {"servers.title", "自宅のサーバーや機器"},
    {"servers.lead",
     "メールサーバー、プログラム、プリンター、カメラ、NAS "
     "などが自宅からメールを送る場合のご案内です。"},
    {"servers.relay", "変わるアドレスの回線:{provider} のサーバーを中継に使う"},
    {"servers.relay.text",
     "相手のサーバーに直接送らず、`{outgoing}` "
     "のポート{relay_port}に認証を付けて渡します。これで届きます。"},
    {"servers.postfix", "Postfix の例"},
    {"servers.msmtp", "msmtp の例"},
    {"servers.device", "プリンター・カメラ・NAS"},
    {"servers.device.text",
     "機器の「SMTP 設定」に、[設定する値](settings) を入れます。よくあるつまずきは "
     "[こちら](devices) です。465または STARTTLS "
     "に対応しない古い機器は、家の中の中継（上の Postfix など）を通してください。"},
    {"servers.static", "固定アドレスの回線"},
    {"servers.static.stands",
     "いまのルールでは、固定アドレスの回線から他社のポート25への通信は次のとおりです："},
    {"servers.static.text",
     "サーバーを運用するときは、逆引き（PTR）、SPF、DKIM "
     "を設定し、第三者の中継を許さないでください。"},
    {"servers.exempt", "例外の申し込み"},
    {"servers.exempt.text",
     "どうしてもポート25が必要な場合は、例外を申し込めます。次のことを [お問い合わせ](contact) "
     "からお知らせください。"},
    {"servers.exempt.1", "管理する人の名前と連絡先"},
    {"servers.exempt.2", "対象のアドレス（または回線）"},
    {"servers.exempt.3", "ポート25が必要な理由と、送るメールの量"},
    {"servers.exempt.4", "使い終わる日（期限のない例外はありません）"},
    {"servers.exempt.note",
     "期限が来ると例外は終わります。続けるときは、もう一度お申し込みください。"},

    {"contact.title", "お問い合わせ"},
    {"contact.lead", "分からないことは、{provider} のサポートにご連絡ください。"},
    {"contact.mail", "メール"},
    {"contact.phone", "電話"},
    {"contact.hours", "受付時間"},
    {"contact.tell", "お知らせいただくと早く解決します"},
    {"contact.tell.1", "あなたの回線のアドレス：`{peer}`"},
    {"contact.tell.2", "送れなかった日時（いまは {time}）"},
    {"contact.tell.3", "使っているメールソフトの名前"},
    {"contact.tell.4", "表示されたエラーの文と、受付番号（あれば）"},
    {"contact.never", "サポートがパスワードをお聞きすることはありません。"},

    {"refused.title", "ポート25で断られたとき"},
    {"refused.lead",
     "メールソフトがポート25で {provider} "
     "のメールサーバーに送ったため、受け付けませんでした。**メールは送られていません。** "
     "設定を変えて、もう一度送ってください。"},
    {"refused.reference", "受付番号"},
    {"refused.reference.text",
     "サポートに連絡するときは、この番号をお知らせください。同じ記録を見ながらご案内します。"},
    {"refused.at", "断った時刻"},
    {"refused.do", "変えるところは三つです"},
    {"refused.do.1", "ポートを **25 から {port}** に変える"},
    {"refused.do.2", "接続の保護を **{security}** にする"},
    {"refused.do.3", "**認証を有効** にし、メールアドレスとパスワードを入れる"},
    {"refused.show", "設定する値と画面を見る"},
    {"refused.server", "メールサーバーを管理している方へ"},
    {"refused.server.text",
     "正しいメールサーバーなのに断られた場合は、逆引き（PTR）と HELO の名前、SPF "
     "を確かめたうえで、受付番号を添えて `{support_mail}` "
     "にご連絡ください。変わるアドレスの回線からの直接配送は受け付けません。"},

    {"login.title", "サインインできないとき"},
    {"login.lead",
     "メールサーバーは次の番号のどれかでメールソフトに答えます。番号は、メールソフトのエラーの詳し"
     "い"
     "表示に出ています。"},
    {"login.535", "パスワードが受け付けられません"},
    {"login.535.text",
     "メールアドレスとパスワードの組み合わせが違います。大文字と小文字、前後の空白に気をつけて、両"
     "方を"
     "入れ直してください。パスワードを変えたときは、すべてのメールソフトと機器で変えてください。ア"
     "プリ"
     "パスワードは、決められた場所と期間だけで使えます。マイページで国外からの送信を禁止していると"
     "き"
     "は、国外では正しいパスワードも同じ言葉で断られます。"},
    {"login.534", "先にパスワードの変更が必要です"},
    {"login.534.text",
     "ほかの人がパスワードを知っていると思われる使われ方がありました。マイページで新しいパスワード"
     "を"
     "決め、すべてのメールソフトと機器に入れ直してください。サインインできないときは "
     "`{support_mail}` にご連絡ください。"},
    {"login.530", "認証か暗号化がありません"},
    {"login.530.text",
     "メールソフトが、認証または暗号化をせずに送ろうとしました。**認証を有効** にし、接続の保護を "
     "**{security}** にしてください。"},
    {"login.538", "先に暗号化が必要です"},
    {"login.538.text",
     "メールソフトが、パスワードを暗号化せずに送ろうとしました。接続の保護を "
     "**{security}**、ポートを "
     "**{port}** にしてください。"},
    {"login.525", "アカウントが停止されています"},
    {"login.525.text",
     "パスワードは合っていますが、いまこのアカウントは使えません。`{support_mail}` "
     "にご連絡ください。"},
    {"login.454", "いまは受け付けられません（パスワードの間違いが多い、または当社の障害）"},
    {"login.454.text",
     "間違ったパスワードが続くと、しばらくの間は新しい試みを断ります。いつまでかは応答に書かれてい"
     "ます。"
     "古いパスワードのままの別の機器が、よくある原因です。前にサインインしたことのある場所からは、"
     "その間も"
     "使えます。制限の名前が応答になければ当社の障害です。数分後にもう一度お試しください。"},

    {"limits.title", "送信の上限に達したとき"},
    {"limits.lead",
     "一定の時間に送信できる量には上限があります。メールは失われていません。受け付けられなかったメ"
     "ー"
     "ルは、お使いのメールソフトに残っています。"},
    {"limits.read", "エラーの読み方"},
    {"limits.read.1", "**Limit 名前 reached**: どの上限に達したか。"},
    {"limits.read.2", "**20 of 20 used**: 使った量と、許されている量。"},
    {"limits.read.3",
     "**free again 2026-11-24T13:59:24Z**: "
     "同じメールが受け付けられる時刻。世界協定時（UTC）なので、"
     "日本時間では 9 時間進めて読んでください。"},
    {"limits.do", "どうすればよいか"},
    {"limits.do.1",
     "その時刻まで待って、もう一度送信してください。多くのメールソフトは自動で送り直します。"},
    {"limits.do.2",
     "そんなに送った覚えがないときは、パスワードを他人に知られているかもしれません。すぐにパスワー"
     "ド"
     "を変え、ウイルスを調べ、`{support_mail}` にご連絡ください。"},
    {"limits.do.3",
     "メールマガジンやメーリングリストを送るときは、`{support_mail}` に上限をご相談ください。"},
    {"limits.why", "なぜ上限があるのか"},
    {"limits.why.text",
     "盗まれたパスワードやウイルスは、数分で何千通ものメールを送ります。早く止めることで、ほかの事"
     "業者"
     "が皆さんのメールを受け取り続けられます。"},

    {"missing.title", "ページが見つかりません"},
    {"missing.text", "アドレスが変わったか、間違っています。メニューからお探しください。"},
    {"method.title", "この操作はできません"},
    {"method.text", "このページは見るだけのものです。"},

    {"word.ipv4", "IPv4"},
    {"word.ipv6", "IPv6"},
    {"word.or", "または"},
    {"diagram.home", "家のパソコン"},
    {"diagram.ours", "{provider} の|送信サーバー"},
    {"diagram.others", "他社の|メールサーバー"},
    {"diagram.away", "外の|メールソフト"},
    {"diagram.receiver", "{provider} の|メールサーバー"},
    {"diagram.server", "外の|メールサーバー"},
};

}  // namespace

constinit const std::span<const Entry> kCatalogueJa{kEntries};

}  // namespace sekisho::guide
