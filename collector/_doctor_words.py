"""What the doctor says, in Vietnamese and English: how it is, and what to do."""

from __future__ import annotations

from typing import Final

from collector._doctor import Line
from dodac.words import Language

AREAS: Final[dict[str, tuple[str, str]]] = {
    "site": ("tệp địa điểm", "site file"),
    "clock": ("đồng hồ máy", "clock"),
    "disk": ("đĩa", "disk"),
    "memory": ("bộ nhớ", "memory"),
    "python": ("Python", "Python"),
    "port": ("cổng", "port"),
    "network": ("mạng", "network"),
    "broker": ("máy chủ MQTT", "broker"),
    "certificate": ("chứng chỉ", "certificate"),
    "influxdb": ("InfluxDB", "InfluxDB"),
    "secret": ("bí mật", "secret"),
    "profile": ("cấu hình", "profile"),
    "journal": ("nhật ký", "journal"),
    "entries": ("nhập tay", "readings by hand"),
}
SIGNS: Final[dict[str, tuple[str, str]]] = {
    "ok": ("tốt", "ok"),
    "warn": ("lưu ý", "look"),
    "bad": ("HỎNG", "BAD"),
}

# code: (how it is, what to do) in Vietnamese, then in English; an empty second part: nothing to do
TEXTS: Final[dict[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "no_answer": (
        ("Không trả lời trong {seconds} s.", "Kiểm tra dây, nguồn và tên máy rồi chạy lại."),
        ("No answer within {seconds} s.", "Check cable, power and name, then run again."),
    ),
    "told": (("{words}", "Làm theo câu trên."), ("{words}", "Do what the sentence says.")),
    "surprise": (
        ("Không kiểm tra được: {words}", "Báo lại lỗi này; các dòng khác vẫn đúng."),
        ("It couldn't be looked at: {words}", "Report this; the other lines hold."),
    ),
    "site_ok": (("{count} thiết bị, mọi thứ khớp nhau.", ""), ("{count} instruments, everything fits.", "")),
    "clock_ok": (("Đồng bộ với mạng: {time}.", ""), ("Synchronised: {time}.", "")),
    "clock_year": (
        ("Máy đang ở năm {year}.", "Đặt giờ: sudo timedatectl set-time … , rồi chạy lại trước khi thu thập."),
        ("The machine is in the year {year}.", "Set it: sudo timedatectl set-time … , before collecting."),
    ),
    "clock_free": (
        ("Chưa đồng bộ với máy chủ thời gian.", "sudo timedatectl set-ntp true; không có Internet thì chỉnh tay mỗi tuần."),
        (
            "Not synchronised with a time server.",
            "sudo timedatectl set-ntp true; without internet set it by hand every week.",
        ),
    ),
    "clock_unknown": (
        ("Không hỏi được trạng thái đồng bộ.", "So giờ máy với điện thoại."),
        ("Whether it is synchronised can't be asked here.", "Compare it with your phone."),
    ),
    "clock_unfixed": (
        ("Lần chạy gần nhất: {words}.", "Xem các giá trị chưa có giờ: dodac clock."),
        ("The last run: {words}.", "See the readings without a time: dodac clock."),
    ),
    "clock_device": (
        ("Đồng hồ trong thiết bị lệch {seconds} s.", "Chỉnh giờ và múi giờ trên thiết bị."),
        ("Its own clock is off by {seconds} s.", "Set time and time zone on the instrument."),
    ),
    "clock_no_rtc": (
        ("Không có đồng hồ pin (RTC): mất điện thì giờ sai đến khi có mạng.", "Lắp mô-đun RTC nếu nơi đo không có Internet."),
        (
            "No battery clock (RTC): after a power cut the time is wrong until the network is back.",
            "Fit an RTC module where there is no internet.",
        ),
    ),
    "disk_ok": (("Còn {free} MB ({share} %), ghi mất {ms} ms.", ""), ("{free} MB free ({share} %), a write takes {ms} ms.", "")),
    "disk_low": (
        ("Chỉ còn {free} MB ({share} %).", "Xuất dữ liệu cũ (dodac export) hoặc dùng đĩa lớn hơn."),
        ("Only {free} MB free ({share} %).", "Export old data (dodac export), or use a larger disk."),
    ),
    "disk_full": (
        ("Chỉ còn {free} MB.", "Giải phóng chỗ ngay: dodac sẽ ngừng nhận số đo khi đầy."),
        ("Only {free} MB are left.", "Make room now: on a full disk nothing more is taken."),
    ),
    "disk_slow": (
        ("Một lần ghi mất {ms} ms (còn {free} MB).", "Thẻ SD cũ hoặc rẻ: thay bằng thẻ công nghiệp hoặc SSD."),
        ("A write takes {ms} ms ({free} MB free).", "An old or cheap SD card: use an industrial one or an SSD."),
    ),
    "disk_read_only": (
        ("Chỉ đọc được.", "Thẻ nhớ có thể đã hỏng: sao lưu, thay thẻ; hoặc sudo mount -o remount,rw /."),
        ("It is mounted read-only.", "The card may be worn out: back it up and replace it; or sudo mount -o remount,rw /."),
    ),
    "disk_no_write": (
        ("Không ghi được: {words}.", "Cho người dùng này quyền ghi vào thư mục."),
        ("It can't be written: {words}.", "Give this user the right to write to the folder."),
    ),
    "memory_ok": (("Còn {free} MB.", ""), ("{free} MB free.", "")),
    "memory_low": (
        ("Chỉ còn {free} MB.", "Đóng bớt chương trình; dodac cần khoảng 80 MB."),
        ("Only {free} MB free.", "Close other programs; a collector needs about 80 MB."),
    ),
    "python_ok": (("Phiên bản dùng được.", ""), ("This version will do.", "")),
    "python_old": (("Quá cũ.", "Cài Python 3.11 trở lên."), ("Too old.", "Install Python 3.11 or newer.")),
    "extra_missing": (
        ("Thiếu phần bổ sung {extra}.", "pip install 'dodac[{extra}]'"),
        ("The extra {extra} is missing.", "pip install 'dodac[{extra}]'"),
    ),
    "extra_xlsx": (
        ("Không đọc được tệp Excel.", "Nếu cần: pip install 'dodac[xlsx]'"),
        ("Excel files can't be read.", "If you need them: pip install 'dodac[xlsx]'"),
    ),
    "port_ok": (("{port} sẵn sàng.", ""), ("{port} is there and free.", "")),
    "port_held_by_us": (("{port} đang được dodac dùng.", ""), ("{port} is being read by dodac.", "")),
    "port_missing": (
        ("Không có {port}.", "Cắm bộ chuyển đổi. Đang có: {there}"),
        ("There is no {port}.", "Plug the adapter in. There are: {there}"),
    ),
    "port_odd": (("{port}: {words}.", "Ghi đúng cổng nối tiếp."), ("{port}: {words}.", "Write the path of a serial port.")),
    "port_denied": (
        ("{user} không có quyền dùng {port}.", "sudo usermod -aG {group} {user}, rồi đăng nhập lại."),
        ("{user} may not use {port}.", "sudo usermod -aG {group} {user}, then log in again."),
    ),
    "port_held": (
        ("{port} đang bị chương trình khác giữ: {words} ({pid}).", "Đóng chương trình đó."),
        ("{port} is held by another program: {words} ({pid}).", "End that program."),
    ),
    "port_unstable": (
        ("Tên {port} đổi khi cắm lại.", 'Ghi port = "{stable}"'),
        ("The name {port} changes when it is plugged in again.", 'Write port = "{stable}"'),
    ),
    "latency_ok": (("Bộ chuyển đổi trả lời trong {ms} ms.", ""), ("The adapter hands bytes on within {ms} ms.", "")),
    "latency_long": (
        ("Bộ chuyển đổi giữ byte đến {ms} ms.", "dodac tự đặt chế độ nhanh khi mở cổng; nếu không được: echo 1 | sudo tee {file}"),
        (
            "The adapter holds bytes back for up to {ms} ms.",
            "dodac asks for its quick mode when it opens the port; if that fails: echo 1 | sudo tee {file}",
        ),
    ),
    "tcp_ok": (("{host}:{port} nhận kết nối.", ""), ("{host}:{port} takes connections.", "")),
    "tcp_away": (
        ("Không tới được {host}:{port}: {words}.", "Kiểm tra nguồn, dây mạng, địa chỉ và tường lửa."),
        ("{host}:{port} can't be reached: {words}.", "Check power, network cable, address and firewall."),
    ),
    "tls_refused": (
        ("TLS với {host}:{port} thất bại: {words}.", "Kiểm tra ca_file, tên máy trong chứng chỉ và ngày hết hạn."),
        ("TLS with {host}:{port} failed: {words}.", "Check ca_file, the name in the certificate, and its dates."),
    ),
    "broker_ok": (("{host}:{port} cho vào.", ""), ("{host}:{port} lets us in.", "")),
    "broker_refused": (
        ("{host}:{port} từ chối: {words}.", "Kiểm tra user và password_file, và tài khoản trên máy chủ."),
        ("{host}:{port} refuses: {words}.", "Check user and password_file, and the account on the broker."),
    ),
    "broker_silent": (
        ("{host}:{port} nhận kết nối nhưng không trả lời MQTT 5.", "Đó có phải cổng MQTT không? Máy chủ có quá cũ không?"),
        ("{host}:{port} takes connections but gives no answer in MQTT 5.", "Is it the MQTT port? Is the broker too old?"),
    ),
    "broker_in_flight": (
        (
            "Chỉ {count} tin được gửi trước khi xác nhận: nhiều nhất khoảng {rate} tin/s.",
            "mosquitto.conf: max_inflight_messages 1000",
        ),
        (
            "Only {count} messages in flight: at most about {rate} messages/s.",
            "In mosquitto.conf: max_inflight_messages 1000",
        ),
    ),
    "broker_in_flight_ok": (("Cho phép {count} tin chưa xác nhận.", ""), ("Takes {count} messages in flight.", "")),
    "broker_queue": (
        ("Hàng đợi chỉ {count} tin: phần dư bị bỏ mà không báo.", "mosquitto.conf: max_queued_messages 1000000"),
        (
            "Its queue holds {count} messages only: the rest is dropped without a word.",
            "In mosquitto.conf: max_queued_messages 1000000",
        ),
    ),
    "broker_queue_ok": (("Hàng đợi {count} tin.", ""), ("Its queue holds {count} messages.", "")),
    "broker_queue_unseen": (
        ("Không xem được độ dài hàng đợi từ đây.", "Hỏi người quản trị: max_queued_messages mặc định 1000 bỏ tin mà không báo."),
        (
            "The length of its queue can't be seen from here.",
            "Ask its keeper: max_queued_messages is 1000 by default and drops without a word.",
        ),
    ),
    "broker_dropped": (
        ("Máy chủ đã bỏ {count} tin kể từ khi khởi động.", "Tăng max_queued_messages; xem dodac status."),
        ("The broker has dropped {count} messages since its start.", "Raise max_queued_messages; look at dodac status."),
    ),
    "cert_ok": (("Còn {days} ngày.", ""), ("Good for {days} more days.", "")),
    "cert_soon": (("Chỉ còn {days} ngày ({date}).", "Gia hạn ngay."), ("Good for {days} more days only ({date}).", "Renew it now.")),
    "cert_over": (("Đã hết hạn {days} ngày ({date}).", "Thay chứng chỉ."), ("Over since {days} days ({date}).", "Replace it.")),
    "influx_ok": (("Trả lời, phiên bản {version}.", ""), ("Answers, version {version}.", "")),
    "influx_away": (
        ("Không tới được: {words}.", "Số đo vẫn giữ trong nhật ký và gửi sau. Kiểm tra địa chỉ và máy chủ."),
        ("Can't be reached: {words}.", "Readings stay in the journal and are sent later. Check address and server."),
    ),
    "bucket_ok": (("Mã truy cập mở được, {count} thiết bị.", ""), ("The token opens it, {count} instruments.", "")),
    "bucket_bad": (
        ("Không đọc được: {words}", "Kiểm tra bucket, org và token_file (hoặc user, password_file)."),
        ("It can't be read: {words}", "Check bucket, org and token_file (or user and password_file)."),
    ),
    "bucket_unread": (
        ("Nhận số đo nhưng không trả lời câu hỏi InfluxQL (VictoriaMetrics?).", "Xem docs/how-to/influxdb.md."),
        ("Takes readings but answers no InfluxQL (VictoriaMetrics?).", "See docs/how-to/influxdb.md."),
    ),
    "secret_ok": (("Chỉ chủ sở hữu đọc được.", ""), ("Its owner alone can read it.", "")),
    "profile_ok": (("{count} phép thử đạt; phần cứng: {hardware}.", ""), ("{count} tests pass; hardware: {hardware}.", "")),
    "profile_untried": (
        ("{count} phép thử đạt; chưa thử trên thiết bị thật.", ""),
        ("{count} tests pass; not yet tried on real hardware.", ""),
    ),
    "profile_bad": (("Phép thử sai: {words}", "Sửa cấu hình."), ("A test fails: {words}", "Correct the profile.")),
    "journal_ok": (("{count} thiết bị, {size} MB, nguyên vẹn.", ""), ("{count} instruments, {size} MB, whole.", "")),
    "journal_written": (("{count} thiết bị, {size} MB; dodac đang ghi.", ""), ("{count} instruments, {size} MB; dodac is writing it.", "")),
    "entries_ok": (("Giữ được; {count} số liệu đang chờ ghi.", ""), ("Can be kept; {count} wait to be stored.", "")),
    "entries_waiting": (
        ("{count} số liệu chờ ghi từ {minutes} phút; không có dodac nào đang ghi nhật ký.", "Chạy dodac run; hoặc nhập thêm một số liệu, mọi số liệu chờ sẽ được ghi."),
        ("{count} wait to be stored, for {minutes} min; no dodac writes the journal.", "Start dodac run; typing another entry stores them too."),
    ),
    "entries_stuck": (
        ("{count} số liệu chờ ghi từ {minutes} phút dù dodac đang chạy.", "Thiết bị có còn trong tệp địa điểm không? Thêm lại rồi khởi động lại dodac run; xem dodac status."),
        ("{count} wait to be stored, for {minutes} min, though dodac runs.", "Is their instrument still in the site file? Put it back and start dodac run again; see dodac status."),
    ),
    "entries_refused": (
        ("{count} số liệu không ghi được, đã để riêng.", "Xem lý do trong các tệp .reason.txt, nhập lại rồi xóa chúng."),
        ("{count} could not be stored and were set aside.", "Read the reasons in the .reason.txt files, type the entries again, then delete the files."),
    ),
    "entries_read_only": (
        ("Không ghi được vào thư mục này: số liệu nhập tay sẽ bị từ chối.", "Sửa quyền thư mục, hoặc thay thẻ nhớ chỉ đọc."),
        ("The folder can't be written: entries would be refused.", "Correct its rights, or change a card that is read-only."),
    ),
    "entries_unreadable": (
        ("Không đọc được: {words}", "Sửa quyền thư mục."),
        ("It can't be read: {words}", "Correct its rights."),
    ),
    "journal_new": (("Chưa có, sẽ được tạo.", ""), ("Not there yet; it will be made.", "")),
    "journal_damaged": (
        ("Tệp bị hỏng: {words}", "Chạy dodac run: phần đọc được sẽ được giữ; kiểm tra thẻ nhớ."),
        ("The file is damaged: {words}", "Start dodac run: what can be read is kept; check the card."),
    ),
}  # fmt: skip


def area(line: Line, language: Language) -> str:
    """The area and subject of a line."""
    name = AREAS[line.area][language == "en"]
    return f"{name} {line.subject}" if line.subject else name


def sign(line: Line, language: Language) -> str:
    """How it is, as one word."""
    return SIGNS[line.status][language == "en"]


def sentence(line: Line, language: Language) -> str:
    """How it is."""
    return TEXTS[line.text][language == "en"][0].format(**line.values)


def todo(line: Line, language: Language) -> str:
    """What to do; empty when nothing."""
    return TEXTS[line.text][language == "en"][1].format(**line.values)
