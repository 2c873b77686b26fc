"""Which dated factor counts: of the grid by the period, of fuels by their grade or the plant's laboratory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from analysis._tables import Row, in_force, table
from analysis.benefits._words import (
    agreed_density,
    inferred_kind,
    proxy_factor,
    refuse_choose,
    refuse_no_analysis,
    refuse_no_factor,
    remembered_factor,
    remembered_limits,
)
from analysis.benefits.choices import POLLUTANTS, Factor, Factors, column_of
from analysis.benefits.resources import EMISSIONS
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError
from dodac.quantities import nearest
from dodac.words import number_text

_KIND_VI: Final = {"combined_margin": "biên kết hợp", "inventory": "kiểm kê"}


def grid_factor(start: date, end: date, factors: Factors | None = None) -> Factor | Refusal:
    """t CO2 per MWh of grid electricity for a period (both days included).

    Each calendar year takes its official factor; a period over several years takes their mean by days
    (use spread evenly is assumed, and said). A year without one is refused, or takes `grid_proxy`, which
    the findings then show. Raises ConfigError for a period that ends before it starts and a proxy that
    is no row. Source: the rows of factors_grid.toml.
    """
    choice = factors or Factors()
    if end < start:
        raise ConfigError(f"the period ends ({end}) before it starts ({start}).")
    rows = table("factors_grid") if choice.grid_rows is None else choice.grid_rows
    wanted = [row for row in rows if row.get("status") != "study" and choice.grid_kind in (None, row["kind"])]
    days = (end - start).days + 1
    value = 0.0
    used: list[Row] = []
    findings: list[Finding] = []
    for year in range(start.year, end.year + 1):
        first, last = max(start, date(year, 1, 1)), min(end, date(year, 12, 31))
        found = [row for row in in_force(wanted, first) if row in in_force(wanted, last)]
        if found:
            row = found[-1]
        elif choice.grid_proxy is None:
            what, vi = f"grid electricity of {year}", f"điện lưới năm {year}"
            if choice.grid_kind:
                what += f" ({choice.grid_kind.replace('_', ' ')})"
                vi += f" ({_KIND_VI[choice.grid_kind]})"
            offers = _offers(rows, year)
            return refuse_no_factor(
                what, vi, [_label(row) for row in offers], [_label_vi(row) for row in offers]
            )
        else:
            row = _by_id(rows, choice.grid_proxy, "grid factor")
            findings.append(_grid_proxy(row, year, choice.grid_kind))
        if row["checked"] == "remembered":
            findings.append(remembered_factor(row["id"], row["source"]))
        used.append(row)
        value += row["value"] * ((last - first).days + 1) / days
    names = list(dict.fromkeys(row["id"] for row in used))
    if len(names) > 1:
        findings.append(
            Finding(
                "grid_years_mixed",
                f"The grid factor is the mean by days of {', '.join(names)}; even use over the period is assumed.",
                f"Hệ số lưới điện là trung bình theo ngày của {', '.join(names)}; giả định tiêu thụ đều trong kỳ.",
                {"factors": ", ".join(names)},
            )
        )
    inferred = [row["id"] for row in used if row.get("kind_checked") == "inferred"]
    if inferred and choice.grid_kind is not None:
        findings.append(
            inferred_kind(inferred, choice.grid_kind.replace("_", " "), _KIND_VI[choice.grid_kind])
        )
    sources = "; ".join(dict.fromkeys(f"{row['document']} ({row['kind']})" for row in used))
    return Factor("+".join(names), value, "t/MWh", sources, findings=tuple(findings))


def _offers(rows: Iterable[Row], year: int) -> list[Row]:
    """Rows that could be named for a year: those made for it, then the nearest official one."""
    own = [row for row in rows if row["valid_from"].year <= year <= row["valid_to"].year]
    official = [row for row in rows if row.get("status") != "study" and row not in own]
    near = sorted(
        official, key=lambda row: min(abs(row["valid_from"].year - year), abs(row["valid_to"].year - year))
    )
    return [*own, *near[:1]]


def _label(row: Row) -> str:
    return f"{row['id']} ({row['value']:g}, {row['kind'].replace('_', ' ')}, {row['status']})"


def _label_vi(row: Row) -> str:
    status = "nghiên cứu" if row["status"] == "study" else "chính thức"
    return f"{row['id']} ({number_text(row['value'], 4, 'vi')}, {_KIND_VI[row['kind']]}, {status})"


def _grid_proxy(row: Row, year: int, kind: str | None) -> Finding:
    why, vi = "no official factor covers that year", "không có hệ số chính thức cho năm này"
    if kind and row["kind"] != kind:
        why += f", and it is a {row['kind'].replace('_', ' ')}, not the {kind} asked for"
        vi += f", và là hệ số {_KIND_VI[row['kind']]} chứ không phải {_KIND_VI[kind]}"
    elif row.get("status") == "study":
        why += "; it is of a study"
        vi += "; lấy từ một nghiên cứu"
    return proxy_factor(row["id"], str(year), why, vi)


def carbon_factor(resource: str, grade: str | None, factors: Factors | None = None) -> Factor | Refusal:
    """t CO2 per unit of a fuel: net calorific value · CO2 per energy, all carbon oxidised.

    2006 IPCC Guidelines, volume 2, equation 2.1 (tier 1); the plant's own values go first (tier 3). A
    resource with several grades is refused until one is chosen. Half width from the limits printed by
    the IPCC (half their distance, 95 %), brought to the table's confidence.
    """
    choice = factors or Factors()
    plant = choice.plant.get(resource)
    unit = "t/Nm3" if resource == "natural_gas" else "t/t"
    if plant and plant.ncv_gj is not None and plant.co2_kg_gj is not None:
        return Factor(
            f"plant {resource}",
            plant.ncv_gj * plant.co2_kg_gj / 1000,
            unit,
            plant.source,
            None,
            resource == "biomass",
        )
    rows = table("factors_ipcc") if choice.ipcc_rows is None else choice.ipcc_rows
    row = _choose(rows, resource, grade or choice.grades.get(resource), "CO2")
    if isinstance(row, Refusal):
        return row
    per_unit = row["density_kg_nm3"] / 1000 if resource == "natural_gas" else 1.0
    ncv, ncv_part = row["ncv_gj_t"] * per_unit, _part(row, "ncv", row["ncv_gj_t"])
    energy, energy_part = row["co2_kg_tj"] / 1000, _part(row, "co2", row["co2_kg_tj"])
    name, source = row["id"], row["source"]
    findings = [remembered_factor(name, source)] if row["checked"] == "remembered" else []
    if resource == "natural_gas" and (plant is None or plant.ncv_gj is None):
        findings.append(agreed_density(name, row["density_kg_nm3"]))
    if plant and (plant.ncv_gj is not None or plant.co2_kg_gj is not None):
        name, source = f"plant {resource}+{row['id']}", f"{plant.source}; {source}"
        if plant.ncv_gj is not None:
            ncv, ncv_part = plant.ncv_gj, 0.0
        if plant.co2_kg_gj is not None:
            energy, energy_part = plant.co2_kg_gj, 0.0
    value = ncv * energy / 1000
    width = value * (ncv_part**2 + energy_part**2) ** 0.5 * _from_95(choice.confidence)
    if width and row["checked"] != "remembered" and row.get("limits_checked") == "remembered":
        findings.append(remembered_limits(row["id"]))
    return Factor(name, value, unit, source, width, row["biogenic"], tuple(findings))


def toe_factor(
    resource: str, grade: str | None, factors: Factors | None = None, day: date | None = None
) -> Factor | Refusal:
    """TOE per unit of the resource's column (letter 3505/BCT-KHCN of 2011); coal needs its grade.

    A day (the first of a period) outside the row's days is refused, unless the row is named in
    `toe_grades`: then it stands in, and the findings show it as a proxy.
    """
    choice = factors or Factors()
    rows = table("factors_toe") if choice.toe_rows is None else choice.toe_rows
    known = {row["id"] for row in rows if row["resource"] == resource}
    named = choice.toe_grades.get(resource)
    row = _choose(rows, resource, named or (grade if grade in known else None), "toe")
    if isinstance(row, Refusal):
        return row
    findings = [remembered_factor(row["id"], row["source"])] if row["checked"] == "remembered" else []
    if day is not None and not in_force([row], day):
        if named is None:
            of = column_of(resource)
            what, vi = f"the oil equivalent of {of.en} on {day}", f"dầu tương đương của {of.vi} ngày {day}"
            return refuse_no_factor(what, vi, [row["id"]])
        name, why, vi = f"toe {row['id']}", "it is of another date", "hệ số có ngày hiệu lực khác"
        findings.append(
            proxy_factor(name, str(day.year), f"{why} ({row['source']})", f"{vi} ({row['source']})")
        )
    return Factor(
        f"toe {row['id']}", row["toe"], f"TOE/{row['unit']}", row["source"], findings=tuple(findings)
    )


def air_factor(resource: str, pollutant: str, factors: Factors | None = None) -> Factor | Refusal:
    """t of a pollutant per unit of fuel: (base + S·per_sulphur + A·per_ash) · what the filter lets through.

    Sulphur balance 20·S·r or AP-42; see the rows of factors_air.toml. Refused without the sulphur or ash
    a factor needs, and where several firings differ until one is chosen. Raises ConfigError for an
    unknown pollutant.
    """
    choice = factors or Factors()
    if pollutant not in POLLUTANTS:
        raise ConfigError(
            f'"{pollutant}" is no pollutant of the table.', todo=f"Known: {', '.join(POLLUTANTS)}."
        )
    rows = table("factors_air") if choice.air_rows is None else choice.air_rows
    rows = tuple(row for row in rows if row["pollutant"] == pollutant)
    row = _choose(rows, resource, choice.air.get((resource, pollutant)), pollutant)
    if isinstance(row, Refusal):
        return row
    plant = choice.plant.get(resource)
    sulphur, ash = (plant.sulphur_pct, plant.ash_pct) if plant else (None, None)
    if row["per_sulphur"] and sulphur is None:
        return refuse_no_analysis(row["id"], "sulphur")
    if row["per_ash"] and ash is None:
        return refuse_no_analysis(row["id"], "ash")
    kg = row["base"] + row["per_sulphur"] * (sulphur or 0.0) + row["per_ash"] * (ash or 0.0)
    kept = plant.removed_pct.get(pollutant, 0.0) if plant else 0.0
    findings = (remembered_factor(row["id"], row["source"]),) if row["checked"] == "remembered" else ()
    unit = "t/Nm3" if resource == "natural_gas" else "t/t"
    return Factor(row["id"], kg / 1000 * (1 - kept / 100), unit, row["source"], findings=findings)


def _choose(rows: Sequence[Row], resource: str, name: str | None, what: str) -> Row | Refusal:
    """The one row of a resource, or the named one."""
    found = [row for row in rows if row["resource"] == resource]
    of, kind = column_of(resource), EMISSIONS.get(what)
    words, words_vi = (kind.en, kind.vi) if kind else (what, what)
    if not found:
        return refuse_no_factor(f"{words} of {of.en}", f"{words_vi} của {of.vi}", [])
    if name is not None:
        return _by_id(found, name, f"{what} factor of {resource}")
    if len(found) > 1:
        return refuse_choose(of.en, of.vi, words, words_vi, [row["id"] for row in found])
    return found[0]


def _by_id(rows: Sequence[Row], name: str, what: str) -> Row:
    found = {row["id"]: row for row in rows}
    if name not in found:
        near = nearest(name, found)
        todo = f'Did you mean "{near}"?' if near else f"Known: {', '.join(found)}."
        raise ConfigError(f'there is no {what} "{name}".', todo=todo)
    return found[name]


def _part(row: Row, name: str, value: float) -> float:
    """Relative half width of a value with printed limits; 0 without."""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    return 0.0 if low is None or high is None else float(high - low) / 2 / value


def _from_95(confidence: float) -> float:
    """Factor from a 95 % half width to another confidence of a normal distribution."""
    from statistics import NormalDist

    normal = NormalDist()
    return normal.inv_cdf(0.5 + confidence / 2) / normal.inv_cdf(0.975)
