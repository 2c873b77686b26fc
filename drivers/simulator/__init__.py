"""Simulated instruments on a simulated line: any Modbus profile, real line speed, faults on demand."""

from drivers.simulator.ascii import SimulatedAsciiUnit
from drivers.simulator.faults import FAULTS, Fault
from drivers.simulator.line import SimulatedBus
from drivers.simulator.tcp import SimulatedGateway
from drivers.simulator.units import LineUnit, SimulatedUnit

__all__ = [
    "FAULTS",
    "Fault",
    "LineUnit",
    "SimulatedAsciiUnit",
    "SimulatedBus",
    "SimulatedGateway",
    "SimulatedUnit",
]
