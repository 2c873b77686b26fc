"""The pages for people: live values, savings, one saving, its report, signing in."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.deps import Context, ContextDep, LanguageDep
from api.display import display, split_main
from api.forms import title_of
from api.models import InstrumentOut, ReadingOut
from api.render import page
from api.routes._alarms import alarms_of
from api.routes.data import instruments_of
from api.routes.savings import case_of, is_tested
from api.security import REPORT_POLICY
from api.words import reason_text, say, script_words
from dodac.clock import SECOND_NS
from dodac.quantities import CHANNELS, Kind
from dodac.words import Language
from drivers.manual_forms import SiteForm
from reports import charts, headline, month_rows, render_html, render_tests_html
from reports.formats import day_text, percent_text, plus_minus, unit_text
from reports.words import say as report_words

_PAGE_WIDE: Final = 1080

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/", response_model=None)
def live_page(request: Request, context: ContextDep, language: LanguageDep) -> Response:
    """Live values of every instrument, by asset."""
    courses = {name: (lead, course) for name, (_, lead, course) in context.hub.state.instruments().items()}
    forms = context.desk.forms() if context.has_forms else {}
    assets: dict[str, list[dict[str, Any]]] = {}
    for item in instruments_of(context):
        lead, course = courses.get(item.id, ("", []))
        card = _card(context, item, forms.get(item.id), lead, course, language)
        assets.setdefault(item.asset, []).append(card)
    return page(
        request,
        "live.html",
        language,
        assets=assets,
        words=script_words(language),
        following=context.hub.following,
        alarms=alarms_of(context, language),
    )


@router.get("/alarms", response_model=None)
def alarms(request: Request, context: ContextDep, language: LanguageDep) -> Response:
    """The strip of alarms alone, for a page that stays open."""
    return page(request, "alarms.html", language, alarms=alarms_of(context, language))


def _card(
    context: Context,
    item: InstrumentOut,
    form: SiteForm | None,
    lead: str,
    course: list[tuple[int, float]],
    language: Language,
) -> dict[str, Any]:
    main, others = split_main(reading.channel for reading in item.readings)
    by_name = {reading.channel: reading for reading in item.readings}
    configured = next((one for one in context.site.instruments if one.id == item.id), None)
    every_s = 0.0
    if configured is not None and configured.profile and configured.connection is not None:
        kind = context.site.connections[configured.connection].kind
        # a person reads when there is time
        every_s = 0.0 if kind == "manual" else configured.every_ns / SECOND_NS
    # three missed polls and a little more are late; a source without a period of its own is not judged
    late_s = round(3 * every_s + 5) if every_s else 0
    lead_name = display(lead).name(language) if lead else ""
    title = say("course", language, name=lead_name)
    return {
        "id": item.id,
        "name": title_of(form, language) if form else item.name or item.id,
        "form": form is not None,
        "counter": configured is not None
        and any(name in CHANNELS and CHANNELS[name].kind is Kind.COUNTER for name in by_name),
        "serial": item.facts.get("serial_number", ""),
        "late_s": late_s,
        "main": [_reading(by_name[name], late_s, language) for name in main],
        "others": [_reading(by_name[name], late_s, language) for name in others],
        "lead": lead,
        "lead_name": lead_name,
        "course": Markup(  # noqa: S704 - our own figure; its texts are escaped there
            charts.sparkline(
                [(time_ns / SECOND_NS, value) for time_ns, value in course],
                title,
                width=300,
                height=44,
                ident=f"course-{item.id}",
            )
        ),
    }


def _reading(reading: ReadingOut, late_s: int, language: Language) -> dict[str, Any]:
    shown = display(reading.channel)
    late = bool(late_s) and reading.age_s > late_s
    state = "bad" if reading.reason or reading.value is None else "late" if late else "good"
    words = {
        "bad": reason_text(reading.reason, language),
        "late": say("old", language),
        "good": say("good", language),
    }
    return {
        "channel": reading.channel,
        "name": shown.name(language),
        "unit": shown.unit_text(language),
        "scale": repr(shown.scale),
        "digits": shown.digits,
        "text": "–" if reading.value is None else shown.text(reading.value, language),
        "state": state,
        "state_text": words[state],
        "icon": {"good": "✓", "late": "◷", "bad": "!"}[state],
        "time": reading.time,
        "age": _age(reading.age_s, language),
    }


def _age(seconds: float, language: Language) -> str:
    """An age for people; the page's script writes it the same way."""
    if seconds < 2:
        return say("just_now", language)
    for size, key in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {say(key, language)} {say('ago', language)}"
    return f"{int(seconds)} {say('seconds', language)} {say('ago', language)}"


@router.get("/savings", response_model=None)
def savings_page(request: Request, context: ContextDep, language: LanguageDep) -> Response:
    """All verified savings."""
    rows = []
    for item in context.cases.savings():
        saving, half = plus_minus(item.saving, item.half_width, language)
        rows.append(
            {
                "id": item.id,
                "saving": saving,
                "half": half,
                "unit": unit_text(item.unit, language),
                "percent": percent_text(item.saving / item.adjusted_baseline, language),
                "confidence": percent_text(item.confidence, language, 0),
                "period": f"{day_text(item.start, language)} – {day_text(item.end, language)}",
            }
        )
    for test in context.cases.tested():
        saving, half = plus_minus(test.saving, test.half_width, language)
        rows.append(
            {
                "id": test.id,
                "saving": saving,
                "half": half,
                "unit": unit_text(test.unit, language),
                "percent": f"IPMVP {test.ipmvp_option} · {report_words(f'class_{test.evidence_class}', language)}",
                "confidence": percent_text(test.confidence, language, 0),
                "period": f"{day_text(test.start, language)} – {day_text(test.end, language)}",
            }
        )
    return page(request, "savings.html", language, rows=rows)


@router.get("/savings/{id}", response_model=None)
def saving_page(request: Request, context: ContextDep, language: LanguageDep, id: str) -> Response:
    """One saving with its charts and caveats; of one by tests its report."""
    if is_tested(context, id):
        return RedirectResponse(f"/savings/{id}/report", 303)
    case = case_of(context, id)
    figures = [
        (key, Markup(draw(case, language, charts.NARROW)))  # noqa: S704 - our own figure, escaped there
        for key, draw in (
            ("chart_bars", charts.before_after),
            ("chart_cusum", charts.cusum),
            ("chart_signature", charts.signature),
        )
    ]
    findings = [
        (item.vi if language == "vi" else item.en, report_words(key, language))
        for key, items in (
            ("of_baseline_period", case.baseline.findings),
            ("of_reporting_period", case.verified.findings),
        )
        for item in items
    ]
    return page(
        request,
        "saving.html",
        language,
        case=case,
        head=headline(case, language),
        title=case.option.name_vi if language == "vi" else case.option.name_en,
        timeline_wide=Markup(charts.timeline(case, language, _PAGE_WIDE)),  # noqa: S704 - as above
        timeline_narrow=Markup(charts.timeline(case, language, charts.NARROW)),  # noqa: S704
        figures=[item for item in figures if item[1]],
        months=month_rows(case, language),
        findings=findings,
        report_word=lambda key: report_words(key, language),
    )


@router.get("/savings/{id}/report", response_model=None)
def report_page(context: ContextDep, language: LanguageDep, id: str) -> Response:
    """The report, as `dodac report` writes it."""
    site = context.site.site
    words = (language, context.clock.now_ns(), site.timezone, site.name)
    if is_tested(context, id):
        html = render_tests_html(context.cases.tested_case(id), *words)
    else:
        html = render_html(case_of(context, id), *words)
    # its style stands inside, so that the file is whole when it is saved or mailed
    return HTMLResponse(html, headers={"content-security-policy": REPORT_POLICY})


@router.get("/static/charts.css", response_model=None)
def chart_style() -> Response:
    """The style of charts, shared with the report."""
    return Response(charts.stylesheet(), media_type="text/css")


@router.get("/sign-in", response_model=None)
def sign_in_page(request: Request, context: ContextDep, language: LanguageDep) -> Response:
    """Asks for the access token; the door checks it."""
    if not context.needs_token:
        return RedirectResponse("/", 303)
    return page(
        request, "sign_in.html", language, next=request.query_params.get("next", "/"),
        wrong="wrong" in request.query_params,
    )  # fmt: skip
