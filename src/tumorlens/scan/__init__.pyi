"""The names of tumorlens.scan: type checkers read them, and `lazy_loader` loads them on first use."""

from .input_geometry import Box as Box
from .input_geometry import CropWindow as CropWindow
from .input_geometry import InputGeometry as InputGeometry
from .mask import is_box_mask as is_box_mask
from .mask import mask_in_image as mask_in_image
from .matlab import FigshareSlice as FigshareSlice
from .matlab import read_figshare as read_figshare
from .read import ScanSource as ScanSource
from .read import read_mask as read_mask
from .read import read_scan as read_scan
from .read import read_size as read_size
from .types import GrayImage as GrayImage
from .types import Mask as Mask
from .types import Pixels as Pixels
from .types import Scan as Scan
from .types import window as window
