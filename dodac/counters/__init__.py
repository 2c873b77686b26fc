"""dodac.counters: which readings of a counter can be believed, and what was used between them; numpy only."""

from dodac.counters._judge import Floats, Ints, Limit, fastest
from dodac.counters._rises import Rises, not_negative, rises
from dodac.counters._swaps import Swap

__all__ = ["Floats", "Ints", "Limit", "Rises", "Swap", "fastest", "not_negative", "rises"]
