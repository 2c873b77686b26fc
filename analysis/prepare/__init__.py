"""From raw series, counters, stamps and bills to data a baseline can be fitted on."""
