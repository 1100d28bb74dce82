"""An engine key for tests."""

from pipeline.superres.gpu.tensorrt.engine import EngineKey, Shapes

KEY = EngineKey("abc", "fp16", "rtx", "1.6", "GPU", "9.0", "13.0", Shapes.fixed(180, 320))
