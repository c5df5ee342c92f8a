// Japanese: setting up program by program. Names of menus and fields are those of each program's
// own Japanese version.
#include "guide/catalogue.h"

namespace sekisho::guide {
namespace {

constexpr Entry kEntries[] = {
    {"nav.programs", "メールソフト別の設定"},
    {"programs.title", "メールソフト別の設定"},
    {"programs.lead",
     "送るのに使っているソフトを選んでください。どこを開くか、何を入れるか、つまずきやすい点を説明"
     "し"
     "ます。変えるのは **送信** だけです。受信の設定はそのままで構いません。"},
    {"programs.computer", "パソコン"},
    {"programs.phone", "スマートフォン・タブレット"},
    {"programs.other", "そのほか"},
    {"programs.web",
     "メールをブラウザー（ウェブメール）だけで使っている方は、何も変えなくて構いません。ポート25は"
     "使"
     "われていません。"},
    {"programs.unknown",
     "ここにないソフトでも、入れる値は同じです。[設定する値と画面](settings) をご覧ください。"},
    {"program.steps", "送信サーバーを変える"},
    {"program.picture", "入れる値"},
    {"program.traps", "うまくいかないとき"},
    {"program.new", "アカウントを追加するとき"},
    {"program.names", "メニューの名前は版によって少し違います。入れる値は同じです。"},
    {"program.test",
     "自分あてに1通送ってみてください。届けば完了です。エラーが出たら、[エラーの一覧](affected) "
     "と見比べてください。"},
    {"program.more", "ほかのソフト"},
    {"program.new.auto",
     "名前、メールアドレス、パスワードだけで足ります。残りはソフトが {provider} から受け取ります。"
    },
    {"program.new.apple",
     "新しく追加するときは、[わたしの設定を表示する](setup) "
     "から設定ファイルを取り込めます。パスワードは含まれていません。"},

    {"thunderbird.title", "Thunderbird（サンダーバード）"},
    {"thunderbird.lead", "Windows・macOS・Linux 用です。"},
    {"thunderbird.steps.1", "右上のメニュー ☰ から **アカウント設定** を開きます。"},
    {"thunderbird.steps.2",
     "左の一覧のいちばん下、**送信サーバー**（古い版では **送信 (SMTP) "
     "サーバー**）を選びます。"},
    {"thunderbird.steps.3", "使っているサーバーを選び、**編集** を押します。"},
    {"thunderbird.steps.4", "下の図のとおりに入れ、**OK** を押します。"},
    {"thunderbird.traps.1",
     "はじめて送るときにパスワードを聞かれます。メールアドレスのパスワードを入れてください。"},
    {"thunderbird.traps.2",
     "何度も聞かれるときは、認証方式を **通常のパスワード認証** "
     "にしてください。「暗号化されたパスワード認証」は別のものです。"},
    {"thunderbird.traps.3",
     "アカウントが複数あるときは、それぞれがどの送信サーバーを使うかを **アカウント設定** "
     "で確かめてください。"},

    {"outlook.title", "Outlook（クラシック）"},
    {"outlook.lead", "Windows の Microsoft 365・Office に付属するものです。"},
    {"outlook.window", "IMAP アカウントの設定"},
    {"outlook.steps.1", "**ファイル → アカウント設定 → サーバー設定** を開きます。"},
    {"outlook.steps.2", "**送信メール** を開きます。"},
    {"outlook.steps.3",
     "下の図のとおりに入れ、**次へ**、**完了** を押します。途中でパスワードを聞かれます。"},
    {"outlook.section", "送信メール"},
    {"outlook.server", "サーバー"},
    {"outlook.port", "ポート"},
    {"outlook.security", "暗号化方法"},
    {"outlook.spa", "セキュリティで保護されたパスワード認証 (SPA) でのログオンが必要"},
    {"outlook.needs", "送信サーバー (SMTP) は認証が必要"},
    {"outlook.same", "受信メール サーバーと同じ設定を使用する"},
    {"outlook.m.spa", "ここには印を付けません。SPA では認証できません。"},
    {"outlook.m.needs", "ここに印を付け、その下は受信と同じ設定を使います。"},
    {"outlook.traps.1",
     "古い版では **詳細設定** の中にあります。**送信サーバー** タブ（認証）と **詳細設定** "
     "タブ（ポートと暗号化）です。"},
    {"outlook.traps.2",
     "暗号化方法は「自動」ではなく {security} "
     "を選んでください。選ぶとポートが元に戻ることがあるので、あとでポートを確かめます。"},
    {"outlook.traps.3",
     "エラー 0x800CCC0F や 0x80042109 "
     "は、ポートが25のままか、ウイルス対策ソフトが間に入っているときに出ます。"},

    {"outlook-new.title", "Outlook（新しい Outlook）"},
    {"outlook-new.lead", "Windows 11 に入っているもの、Outlook for Mac です。"},
    {"outlook-new.window", "IMAP アカウント"},
    {"outlook-new.steps.1", "右上の歯車から **アカウント → アカウント情報** を開きます。"},
    {"outlook-new.steps.2", "アカウントの **管理** を押し、サーバーの設定を開きます。"},
    {"outlook-new.steps.3",
     "そこで変えられないときは、アカウントを削除して追加し直します。アドレスを入れ、プロバイダーに "
     "**IMAP** を選び、**詳細を表示** を開きます。メールはサーバーに残っています。"},
    {"outlook-new.steps.4", "下の図のとおりに入れ、**続行** を押します。"},
    {"outlook-new.user", "SMTP ユーザー名"},
    {"outlook-new.password", "SMTP パスワード"},
    {"outlook-new.server", "SMTP 送信サーバー"},
    {"outlook-new.port", "ポート"},
    {"outlook-new.security", "セキュリティで保護された接続の種類"},
    {"outlook-new.traps.1",
     "新しい Outlook は、Microsoft "
     "のサーバーを通してメールを送受信します。認証も、お使いの回線ではなくそこから行われます。"},
    {"outlook-new.traps.2",
     "それを望まない方は、クラシック版の Outlook、Thunderbird などをお使いください。"},

    {"apple-mail.title", "Mac の「メール」"},
    {"apple-mail.lead", "macOS 用です。"},
    {"apple-mail.window", "アカウント"},
    {"apple-mail.steps.1",
     "**メール → 設定 → アカウント** を開きます（macOS 12 までは「環境設定」）。"},
    {"apple-mail.steps.2", "左でアカウントを選び、**サーバ設定** を開きます。"},
    {"apple-mail.steps.3",
     "**送信メールサーバ (SMTP)** の **接続設定を自動的に管理** の印を外します。"},
    {"apple-mail.steps.4", "下の図のとおりに入れ、**保存** を押します。"},
    {"apple-mail.section", "送信メールサーバ (SMTP)"},
    {"apple-mail.user", "ユーザ名"},
    {"apple-mail.password", "パスワード"},
    {"apple-mail.server", "ホスト名"},
    {"apple-mail.auto", "接続設定を自動的に管理"},
    {"apple-mail.port", "ポート"},
    {"apple-mail.tls", "TLS/SSL を使用"},
    {"apple-mail.method", "認証"},
    {"apple-mail.method.value", "パスワード"},
    {"apple-mail.m.auto", "印を外します。付いている間は、最初にポート25を試して待たされます。"},
    {"apple-mail.m.tls", "TLS/SSL の欄に印を付けます。"},
    {"apple-mail.m.method", "認証は「パスワード」を選びます。"},
    {"apple-mail.traps.1",
     "**ウインドウ → 接続診断** "
     "で、サーバーごとに、つながるか、認証が正しいかを見られます。"},
    {"apple-mail.traps.2",
     "送信サーバーのパスワード欄は受信とは別です。パスワードを変えたら、こちらも変えてください。"},

    {"iphone.title", "iPhone・iPad の「メール」"},
    {"iphone.lead", "iOS・iPadOS 用です。"},
    {"iphone.window", "送信用メールサーバ"},
    {"iphone.steps.1",
     "**設定 → アプリ → メール → メールアカウント** を開きます（iOS 17 までは 設定 → メール → "
     "アカウント）。"},
    {"iphone.steps.2", "アカウントを選び、もう一度 **アカウント**、続いて **SMTP** を選びます。"},
    {"iphone.steps.3", "**プライマリサーバ** を選び、下の図のとおりに入れます。"},
    {"iphone.steps.4", "**完了** を押し、戻ってもう一度 **完了** を押します。"},
    {"iphone.on", "サーバ"},
    {"iphone.server", "ホスト名"},
    {"iphone.user", "ユーザ名"},
    {"iphone.password", "パスワード"},
    {"iphone.tls", "SSL を使用"},
    {"iphone.method", "認証"},
    {"iphone.method.value", "パスワード"},
    {"iphone.port", "サーバポート"},
    {"iphone.m.on", "サーバはオンにします。"},
    {"iphone.m.tls", "SSL をオンにします。"},
    {"iphone.traps.1",
     "ユーザ名とパスワードの欄に「オプション」と出ますが、必要です。必ず入れてください。"},
    {"iphone.traps.2",
     "自宅では送れて外出先で送れないときは、ポートが25のままです。多くの網が25を閉じています。"},

    {"gmail.title", "Gmail アプリ"},
    {"gmail.lead",
     "Android 用です。「その他」で追加したアドレスだけが対象です。@gmail.com "
     "のアドレスは何も変えなくて構いません。"},
    {"gmail.window", "送信サーバーの設定"},
    {"gmail.steps.1", "メニュー ☰ から **設定** を開きます。"},
    {"gmail.steps.2", "{provider} のアドレスを選び、**送信メールの設定** を開きます。"},
    {"gmail.steps.3", "下の図のとおりに入れて戻ります。アプリが値を確かめます。"},
    {"gmail.needs", "ログインが必要"},
    {"gmail.user", "ユーザー名"},
    {"gmail.password", "パスワード"},
    {"gmail.server", "SMTP サーバー"},
    {"gmail.port", "ポート"},
    {"gmail.security", "セキュリティの種類"},
    {"gmail.m.needs", "オンにします。"},
    {"gmail.traps.1",
     "ブラウザーの "
     "Gmail（設定の「アカウント」にある「他のメールアドレスを追加」）でも値は同じです。サ"
     "ーバー `{outgoing}`、ポート {port}、{security}。送信は当社のサーバーを通ります。"},
    {"gmail.traps.2",
     "「証明書をすべて承認」は {provider} "
     "では必要ありません。それでしか送れないときは、サーバー名が違っています。"},

    {"android.title", "Android の Thunderbird・K-9 Mail"},
    {"android.lead", "Android 用です。"},
    {"android.window", "送信サーバーの設定"},
    {"android.steps.1", "メニューから **設定** を開き、アカウントを選びます。"},
    {"android.steps.2", "**メールの送信 → 送信サーバー** を開きます。"},
    {"android.steps.3", "下の図のとおりに入れ、**次へ** を押します。アプリが値を確かめます。"},
    {"android.server", "SMTP サーバー"},
    {"android.security", "セキュリティ"},
    {"android.port", "ポート"},
    {"android.method", "認証"},
    {"android.method.value", "通常のパスワード認証"},
    {"android.user", "ユーザー名"},
    {"android.password", "パスワード"},
    {"android.traps.1",
     "「暗号化されたパスワード認証」「クライアント証明書」は別のものです。通常のものを選んでくださ"
     "い。"
     "接続は暗号化されています。"},
    {"android.traps.2", "パスワードを変えたら、受信とここの両方に入れ直してください。"},

    {"devices.title", "プリンター・カメラ・NAS・プログラム"},
    {"devices.lead",
     "スキャンした紙をメールで送る複合機、知らせを送るカメラ、自分で送るプログラム。どれも当社の送"
     "信サ"
     "ーバーを使えます。"},
    {"devices.values", "機器に入れる値"},
    {"devices.values.text",
     "機器の画面では「メール」「SMTP」「通知」「スキャン to メール」などの名前です。"},
    {"devices.sender", "送信者（From）"},
    {"devices.sender.value", "ご自分のメールアドレス。ほかのものは断られます。"},
    {"devices.traps.1",
     "**送信者は、ご自分のアドレスにしてください。** 買ったままの機器は `printer@localhost` "
     "のような値になっています。"},
    {"devices.traps.2",
     "時計: "
     "日付が違う機器は、当社の証明書を無効と見ます。時刻を網から合わせる設定を有効にしてください。"
    },
    {"devices.traps.3",
     "暗号化のできない古い機器は、直接は送れません。お手元のパソコンやサーバーに中継させてください"
     "。"
     "[自宅のサーバーや機器](servers) に説明があります。"},
    {"devices.traps.4",
     "機器ごとに別のパスワードを使うと、盗まれたときの害が小さくなります。サポートにお申し付けくだ"
     "さ"
     "い。"},
    {"devices.scripts", "自分で送るプログラム"},
    {"devices.scripts.text",
     "例には当社のサーバー名とポートが入っています。アドレスとパスワードをご自分のものにしてくださ"
     "い。"},
    {"devices.python", "Python の例"},
    {"devices.node", "Node.js（nodemailer）の例"},
    {"devices.php", "PHP（PHPMailer）の例"},
    {"devices.curl", "シェル（curl）の例"},
    {"devices.relay",
     "機械全体で送るときの Postfix と msmtp は [自宅のサーバーや機器](servers) に説明があります。"},

    {"sendas.title", "ほかの会社のアドレスを差出人にする"},
    {"sendas.lead",
     "{provider}"
     "のアカウントで、勤め先やほかの会社のメールアドレスを差出人にして送ることもできます。"
     "そのアドレス宛のメールを読めることを、先に確かめます。"},
    {"sendas.how", "手順"},
    {"sendas.how.1", "[マイページ](my/sendas)でアドレスを入れる"},
    {"sendas.how.2",
     "そのアドレスに確認コードのメールが届くので、書かれたページを開くか、コードを伝える"},
    {"sendas.how.3",
     "メールソフトで、差出人をそのアドレスに、送信サーバーを{provider}のサーバーにする"},
    {"sendas.arrives", "メールは届きますか"},
    {"sendas.arrives.text",
     "多くのドメインは、どのサーバーから送るか（SPF）と、ほかから来たメールをどう扱うか（DMARC）を"
     "公"
     "開しています。そこに{provider}"
     "のサーバーがないと、迷惑メールに入ったり、断られたりします。登録"
     "のときに調べてお知らせします。そのときは、アドレスを提供する会社のサーバーから送るほうが確実"
     "で"
     "す。"},
    {"sendas.ask", "あなたのアドレスですか"},
    {"sendas.ask.text",
     "アカウント **{claim_login}** が、差出人として **{claim_address}** を使おうとしています。"},
    {"sendas.ask.warn",
     "心当たりがないときは、このページを閉じてください。ボタンを押さなければ何も変わりません。"},
    {"sendas.ask.yes", "はい、許可します"},
    {"sendas.done", "アドレスを確認しました"},
    {"sendas.done.text",
     "アカウント **{claim_login}** は、**{claim_address}** を差出人にして送れるようになりました。"},
    {"sendas.none",
     "このコードは使えません。期限が切れたか、使い終わったか、途中で切れています。新しいコードを申"
     "し"
     "込んでください。"},
    {"sendas.away", "いまコードを確かめられません。数分たってから、もう一度お試しください。"},
};

}  // namespace

constinit const std::span<const Entry> kProgramsJa{kEntries};

}  // namespace sekisho::guide
