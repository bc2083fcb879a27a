"""The criteria that the engine brings along."""

from workbench.engine.compress.structure.criteria.activation_magnitude import ACTIVATION_MAGNITUDE
from workbench.engine.compress.structure.criteria.apoz import APOZ
from workbench.engine.compress.structure.criteria.batch_norm_scale import BATCH_NORM_SCALE
from workbench.engine.compress.structure.criteria.geometric_median import GEOMETRIC_MEDIAN
from workbench.engine.compress.structure.criteria.l1 import L1
from workbench.engine.compress.structure.criteria.l2 import L2
from workbench.engine.compress.structure.criteria.random_order import RANDOM
from workbench.engine.compress.structure.criteria.taylor import TAYLOR

OWN_CRITERIA = (L1, L2, GEOMETRIC_MEDIAN, BATCH_NORM_SCALE, ACTIVATION_MAGNITUDE, APOZ, TAYLOR, RANDOM)
