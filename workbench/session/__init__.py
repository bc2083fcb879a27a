"""The bench: a model, samples and a recipe, and the verbs that window, command line and scripts call."""

from workbench.session.devices import DeviceVerbs
from workbench.session.exporting import ExportingVerbs
from workbench.session.finding import FindingVerbs
from workbench.session.looking import LookingVerbs
from workbench.session.measuring import MeasuringVerbs
from workbench.session.opening import OpeningVerbs

__all__ = ["Session"]


class Session(OpeningVerbs, LookingVerbs, MeasuringVerbs, FindingVerbs, DeviceVerbs, ExportingVerbs):
    """One model and one data set on the bench. Verbs take a recipe; nothing is remembered of it but caches.

    Args:
        store: keeps what scans measure; that of all models if not given.
    """
