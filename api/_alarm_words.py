"""Words of the strip of alarms: what is wrong and what to do about it, for who stands before the machine."""

from __future__ import annotations

from typing import Final

# a_CODE: a fault of the collector itself, by its code; al_KIND: what stands of lines, meters and servers
ALARM_WORDS: Final[dict[str, tuple[str, str]]] = {
    "a_collector_away": (
        "Trình thu thập (dodac run) không chạy: không có số liệu mới. Hãy khởi động lại máy hoặc báo người phụ trách.",
        "The collector (dodac run) does not run: nothing new comes in. Start it again, or call whoever looks after it.",
    ),
    "a_collector_silent": (
        "Trình thu thập đang chạy nhưng không trả lời. Hãy chờ hai phút; nếu vẫn vậy, khởi động lại máy.",
        "The collector runs but does not answer. Wait two minutes; if it stays so, start the computer again.",
    ),
    "a_collector_denied": (
        "Trang này không có quyền xem trình thu thập: hãy chạy cả hai bằng cùng một người dùng.",
        "This page may not see the collector: run both as the same user.",
    ),
    "a_loop_stuck": (
        "Một phần của trình thu thập bị treo và sẽ được khởi động lại. Hãy chờ hai phút.",
        "A part of the collector hangs and will be started again. Wait two minutes.",
    ),
    "a_journal_fault": (
        "Không ghi được nhật ký đo; số liệu được giữ trong bộ nhớ và ghi lại sau. Đừng tắt máy; hãy giải phóng ổ đĩa.",
        "The journal can't be written; readings are kept in memory and tried again. Leave it on; make room on the disk.",
    ),
    "a_ingest_stopped": (
        "Phần lưu số liệu đã dừng. Hãy khởi động lại máy.",
        "The part that stores has ended. Start the computer again.",
    ),
    "a_ledger_off": (
        "Sổ cái số mẫu không khớp: hãy giữ nguyên tệp nhật ký đo và báo cho chúng tôi.",
        "The ledger does not add up: keep the journal file as it is and report it.",
    ),
    "a_disk_silent": (
        "Ổ đĩa của nhật ký đo không trả lời. Hãy kiểm tra thẻ nhớ hoặc cáp của nó.",
        "The journal's disk does not answer. Look at the card or its cable.",
    ),
    "a_disk_low": (
        "Ổ đĩa của nhật ký đo gần đầy. Hãy giải phóng chỗ trống hoặc báo người phụ trách.",
        "The journal's disk is nearly full. Make room, or call whoever looks after it.",
    ),
    "al_instrument": (
        "Số liệu của thiết bị đo này bị thiếu hoặc đáng ngờ. Hãy kiểm tra nguồn, dây nối và đồng hồ của nó.",
        "Readings of this instrument are missing or doubtful. Check its power, its cable and its clock.",
    ),
    "al_connection": (
        "Mất kết nối này; máy đang tự thử lại. Hãy kiểm tra cáp, bộ chuyển đổi và nguồn điện.",
        "This line or broker is away; it is tried again by itself. Check cable, adapter and power.",
    ),
    "al_sink": (
        "Máy chủ không nhận số liệu; không mất gì, tất cả được giữ lại ở đây. Hãy kiểm tra mạng.",
        "The server takes no readings; nothing is lost, all are kept here. Check the network.",
    ),
    "al_clock": (
        "Đồng hồ của máy tính này không đáng tin. Hãy nối mạng hoặc đặt lại giờ.",
        "This computer's clock is not to be trusted. Connect it to the network, or set its time.",
    ),
    "al_power": (
        "Mất điện lưới, máy đang chạy bằng pin và sẽ tự dừng an toàn. Hãy cấp điện lại.",
        "The mains is away: this runs on its battery and will end by itself. Bring the mains back.",
    ),
}
