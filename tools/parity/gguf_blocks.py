"""A GGUF file with a tensor of every type that is read, and the numbers that its blocks mean to the `gguf` package.

    python tools/parity/gguf_blocks.py packages/backend-onnx/test/fixtures/gguf

writes blocks.gguf and blocks.f32 (float32, little-endian, tensor after tensor in the order of the file).
"""

import os, sys

import numpy as np
from gguf import GGMLQuantizationType as T, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize, quantize

out = sys.argv[1]
rng = np.random.default_rng(1)
rows, columns = 2, 512
types = [T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q2_K, T.Q3_K, T.Q4_K, T.Q5_K, T.Q6_K, T.IQ4_NL]
halves = {T.Q2_K: (80, 82), T.Q3_K: (108,), T.Q4_K: (0, 2), T.Q5_K: (0, 2), T.Q6_K: (208,), T.IQ4_NL: (0,)}
writer = GGUFWriter(os.path.join(out, "blocks.gguf"), "llama")
expected = []
for type in types:
    values = rng.normal(size=(rows, columns)).astype(np.float32)
    if type == T.F32:
        data = values
    elif type == T.F16:
        data = values.astype(np.float16)
    elif type in halves:
        # Random bits, with scales that are small numbers.
        numbers, size = GGML_QUANT_SIZES[type]
        data = rng.integers(0, 256, size=(rows, columns // numbers, size), dtype=np.uint8)
        for at in halves[type]:
            scale = rng.normal(size=(rows, columns // numbers)).astype(np.float16) * np.float16(0.01)
            data[:, :, at : at + 2] = scale.view(np.uint8).reshape(rows, columns // numbers, 2)
        data = data.reshape(rows, -1)
    else:
        data = quantize(values, type)
    writer.add_tensor(type.name, data, raw_dtype=type)
    plain = type in (T.F32, T.F16)
    expected.append(data.astype(np.float32) if plain else dequantize(data, type).astype(np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
np.concatenate([values.reshape(-1) for values in expected]).astype("<f4").tofile(os.path.join(out, "blocks.f32"))
