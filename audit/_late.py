"""What an auditor must know: a plan or baseline that came after the fact, a saving that came before it."""

from __future__ import annotations

from analysis.results import Finding
from audit.periods import window_ns


def late(
    zone: str, registered_ns: int, frozen_ns: int, works: tuple[str, str] | None, reporting: tuple[str, str]
) -> tuple[Finding, ...]:
    """Findings about a plan registered after the works had begun, or a baseline frozen after reporting had."""
    found = []
    first = works or reporting
    if registered_ns > window_ns(zone, first)[0]:
        found.append(
            Finding(
                "plan_late",
                f"The plan was registered after the measure had started ({first[0]}).",
                f"Kế hoạch được đăng ký sau khi đã bắt đầu thực hiện giải pháp ({first[0]}).",
                {"start": first[0]},
            )
        )
    if frozen_ns > window_ns(zone, reporting)[0]:
        found.append(
            Finding(
                "baseline_late",
                f"The baseline was frozen after reporting had started ({reporting[0]}).",
                f"Đường cơ sở được chốt sau khi kỳ báo cáo đã bắt đầu ({reporting[0]}).",
                {"start": reporting[0]},
            )
        )
    return tuple(found)


def ahead(zone: str, now_ns: int, reporting: tuple[str, str]) -> tuple[Finding, ...]:
    """Said of a saving by agreed amounts whose period was not over when it was verified."""
    if now_ns >= window_ns(zone, reporting)[1]:
        return ()
    start, end = reporting
    return (
        Finding(
            "period_ahead",
            f"The saving is of {start}..{end}, which was not over when it was verified: it comes true only as far as "
            "the agreed amounts do. Verify again when the period is over.",
            f"Mức tiết kiệm là của kỳ {start}..{end}, khi kiểm chứng kỳ này chưa kết thúc: kết quả chỉ đúng nếu các "
            "giá trị thỏa thuận đúng với thực tế. Hãy kiểm chứng lại khi hết kỳ.",
            {"start": start, "end": end},
        ),
    )
