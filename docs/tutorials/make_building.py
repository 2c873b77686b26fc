"""Makes building.csv of the tutorial: two years of a made-up office, a measure that saves 12 % after the first.

Run: python docs/tutorials/make_building.py > docs/tutorials/building.csv
"""

import datetime as dt
import sys

import numpy as np

SAVING = 0.12


def main() -> None:
    random = np.random.default_rng(2026)
    first = dt.date(2024, 1, 1)
    noise = 0.0
    sys.stdout.write("day;energy kWh;outside °C\n")
    for number in range(731):
        day = first + dt.timedelta(days=number)
        season = np.cos(2 * np.pi * (day.timetuple().tm_yday - 196) / 365.25)
        temperature = 24.0 + 6.0 * season + random.normal(0, 2.0)
        noise = 0.5 * noise + random.normal(0, 90.0)
        load = (
            2_900.0 + (1_150.0 if day.weekday() < 5 else 0.0) + 105.0 * max(temperature - 19.0, 0.0) + noise
        )
        if day.year > first.year:
            load *= 1 - SAVING
        sys.stdout.write(
            f"{day.day:02d}/{day.month:02d}/{day.year};{load:.1f};{temperature:.1f}\n".replace(".", ",")
        )


if __name__ == "__main__":
    main()
