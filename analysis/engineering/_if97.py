"""IAPWS-IF97, regions 1, 2 and 4: the published numbers and the Gibbs functions, nothing else.

Source: IAPWS R7-97(2012), tables 2, 10, 11 and 34, equations 7, 16, 17, 30 and 31. The numbers were
taken from several independent public implementations that agree with one another, and are held by
the check values of tables 5, 15, 35 and 36 (tests/analysis/engineering/test_steam.py).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

R_KJ_KGK: Final = 0.461526
ZERO_C_K: Final = 273.15
CRITICAL_K: Final = 647.096
CRITICAL_MPA: Final = 22.064
REGION_1_END_K: Final = 623.15
REGION_2_END_K: Final = 1073.15

_REGION_1: Final = (
    (0, -2, 0.14632971213167),
    (0, -1, -0.84548187169114),
    (0, 0, -0.37563603672040e1),
    (0, 1, 0.33855169168385e1),
    (0, 2, -0.95791963387872),
    (0, 3, 0.15772038513228),
    (0, 4, -0.16616417199501e-1),
    (0, 5, 0.81214629983568e-3),
    (1, -9, 0.28319080123804e-3),
    (1, -7, -0.60706301565874e-3),
    (1, -1, -0.18990068218419e-1),
    (1, 0, -0.32529748770505e-1),
    (1, 1, -0.21841717175414e-1),
    (1, 3, -0.52838357969930e-4),
    (2, -3, -0.47184321073267e-3),
    (2, 0, -0.30001780793026e-3),
    (2, 1, 0.47661393906987e-4),
    (2, 3, -0.44141845330846e-5),
    (2, 17, -0.72694996297594e-15),
    (3, -4, -0.31679644845054e-4),
    (3, 0, -0.28270797985312e-5),
    (3, 6, -0.85205128120103e-9),
    (4, -5, -0.22425281908000e-5),
    (4, -2, -0.65171222895601e-6),
    (4, 10, -0.14341729937924e-12),
    (5, -8, -0.40516996860117e-6),
    (8, -11, -0.12734301741641e-8),
    (8, -6, -0.17424871230634e-9),
    (21, -29, -0.68762131295531e-18),
    (23, -31, 0.14478307828521e-19),
    (29, -38, 0.26335781662795e-22),
    (30, -39, -0.11947622640071e-22),
    (31, -40, 0.18228094581404e-23),
    (32, -41, -0.93537087292458e-25),
)
_IDEAL_2: Final = (
    (0, -0.96927686500217e1),
    (1, 0.10086655968018e2),
    (-5, -0.56087911283020e-2),
    (-4, 0.71452738081455e-1),
    (-3, -0.40710498223928),
    (-2, 0.14240819171444e1),
    (-1, -0.43839511319450e1),
    (2, -0.28408632460772),
    (3, 0.21268463753307e-1),
)
_REGION_2: Final = (
    (1, 0, -0.17731742473213e-2),
    (1, 1, -0.17834862292358e-1),
    (1, 2, -0.45996013696365e-1),
    (1, 3, -0.57581259083432e-1),
    (1, 6, -0.50325278727930e-1),
    (2, 1, -0.33032641670203e-4),
    (2, 2, -0.18948987516315e-3),
    (2, 4, -0.39392777243355e-2),
    (2, 7, -0.43797295650573e-1),
    (2, 36, -0.26674547914087e-4),
    (3, 0, 0.20481737692309e-7),
    (3, 1, 0.43870667284435e-6),
    (3, 3, -0.32277677238570e-4),
    (3, 6, -0.15033924542148e-2),
    (3, 35, -0.40668253562649e-1),
    (4, 1, -0.78847309559367e-9),
    (4, 2, 0.12790717852285e-7),
    (4, 3, 0.48225372718507e-6),
    (5, 7, 0.22922076337661e-5),
    (6, 3, -0.16714766451061e-10),
    (6, 16, -0.21171472321355e-2),
    (6, 35, -0.23895741934104e2),
    (7, 0, -0.59059564324270e-17),
    (7, 11, -0.12621808899101e-5),
    (7, 25, -0.38946842435739e-1),
    (8, 8, 0.11256211360459e-10),
    (8, 36, -0.82311340897998e1),
    (9, 13, 0.19809712802088e-7),
    (10, 4, 0.10406965210174e-18),
    (10, 10, -0.10234747095929e-12),
    (10, 14, -0.10018179379511e-8),
    (16, 29, -0.80882908646985e-10),
    (16, 50, 0.10693031879409),
    (18, 57, -0.33662250574171),
    (20, 20, 0.89185845355421e-24),
    (20, 35, 0.30629316876232e-12),
    (20, 48, -0.42002467698208e-5),
    (21, 21, -0.59056029685639e-25),
    (22, 53, 0.37826947613457e-5),
    (23, 39, -0.12768608934681e-14),
    (24, 26, 0.73087610595061e-28),
    (24, 40, 0.55414715350778e-16),
    (24, 58, -0.94369707241210e-6),
)
_SATURATION: Final = (
    0.11670521452767e4,
    -0.72421316703206e6,
    -0.17073846940092e2,
    0.12020824702470e5,
    -0.32325550322333e7,
    0.14915108613530e2,
    -0.48232657361591e4,
    0.40511340542057e6,
    -0.23855557567849,
    0.65017534844798e3,
)


class Basic(NamedTuple):
    """volume_m3_kg, enthalpy_kj_kg, entropy_kj_kgk, cp_kj_kgk."""

    volume_m3_kg: float
    enthalpy_kj_kg: float
    entropy_kj_kgk: float
    cp_kj_kgk: float


def region_1(p_mpa: float, t_k: float) -> Basic:
    """Liquid water by the Gibbs function of equation 7; no check of its range."""
    pi, tau = p_mpa / 16.53, 1386.0 / t_k
    a, b = 7.1 - pi, tau - 1.222
    g = g_pi = g_tau = g_tautau = 0.0
    for i, j, n in _REGION_1:
        term = n * a**i * b**j
        g += term
        g_pi -= i * term / a
        g_tau += j * term / b
        g_tautau += j * (j - 1) * term / b**2
    return Basic(
        1e-3 * R_KJ_KGK * t_k / p_mpa * pi * g_pi,
        R_KJ_KGK * t_k * tau * g_tau,
        R_KJ_KGK * (tau * g_tau - g),
        -R_KJ_KGK * tau**2 * g_tautau,
    )


def region_2(p_mpa: float, t_k: float) -> Basic:
    """Steam by the Gibbs function of equations 15 to 17; no check of its range."""
    tau = 540.0 / t_k
    b = tau - 0.5
    g, g_pi, g_tau, g_tautau = math.log(p_mpa), 1.0 / p_mpa, 0.0, 0.0
    for j, n in _IDEAL_2:
        term = n * tau**j
        g += term
        g_tau += j * term / tau
        g_tautau += j * (j - 1) * term / tau**2
    for i, j, n in _REGION_2:
        term = n * p_mpa**i * b**j
        g += term
        g_pi += i * term / p_mpa
        g_tau += j * term / b
        g_tautau += j * (j - 1) * term / b**2
    return Basic(
        1e-3 * R_KJ_KGK * t_k * g_pi,
        R_KJ_KGK * t_k * tau * g_tau,
        R_KJ_KGK * (tau * g_tau - g),
        -R_KJ_KGK * tau**2 * g_tautau,
    )


def saturation_mpa(t_k: float) -> float:
    """Saturation pressure (equation 30)."""
    n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = _SATURATION
    theta = t_k + n9 / (t_k - n10)
    a = theta**2 + n1 * theta + n2
    b = n3 * theta**2 + n4 * theta + n5
    c = n6 * theta**2 + n7 * theta + n8
    root: float = 2.0 * c / (-b + math.sqrt(b * b - 4.0 * a * c))
    return root * root * root * root


def saturation_k(p_mpa: float) -> float:
    """Saturation temperature (equation 31)."""
    n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = _SATURATION
    beta = math.sqrt(math.sqrt(p_mpa))
    e = beta**2 + n3 * beta + n6
    f = n1 * beta**2 + n4 * beta + n7
    g = n2 * beta**2 + n5 * beta + n8
    d = 2.0 * g / (-f - math.sqrt(f * f - 4.0 * e * g))
    return 0.5 * (n10 + d - math.sqrt((n10 + d) ** 2 - 4.0 * (n9 + n10 * d)))
