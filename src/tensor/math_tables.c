/* Written by tools/gen_math_tables.py; what each table is for stands in math_tables.h. */
/* clang-format off */
#include "tensor/math_tables.h"

const double ay_erf_cols[13][16] __attribute__((aligned(64))) = {
    {
        0x1.1f5e1a35c3b89p+0, 0x1.13e08c7a16a26p+0, 0x1.fe8f1614e4ebbp-1, 0x1.cacbc181f7fbdp-1,
        0x1.9450bb1ec6057p-1, 0x1.611065fc93172p-1, 0x1.3448f8704c35dp-1, 0x1.0ee12190b194ap-1,
        0x1.e09a79ee7db91p-2, 0x1.aed200cd67bebp-2, 0x1.8603df090937fp-2, 0x1.64282886fef72p-2,
        0x1.47ad3ff3018a1p-2, 0x1.2f6827c1b08c7p-2, 0x1.1a7b909ae7a4ap-2, 0x1.08420fc7a4912p-2
    },
    {
        -0x1.7d900b9e8e99dp-4, -0x1.09ac3c1b2b12ep-2, -0x1.7edef5d89a390p-2, -0x1.b293239599bcep-2,
        -0x1.ad1533f367888p-2, -0x1.82ad1810b6ca1p-2, -0x1.48b7c44d5257ep-2, -0x1.0e9e17d6132b9p-2,
        -0x1.b87061646fb5ep-3, -0x1.675759c9fb4b1p-3, -0x1.284241dbd5d39p-3, -0x1.ef1beecc9bf68p-4,
        -0x1.a35763ed2ef1bp-4, -0x1.6793ed0a040bcp-4, -0x1.37b3d82995263p-4, -0x1.10c83ad00a3f2p-4
    },
    {
        -0x1.766bd13cfd39fp-2, -0x1.276ba5c062301p-2, -0x1.5275c582e5642p-3, -0x1.4574d9b084d42p-5,
        0x1.bbf4930fce5c5p-5, 0x1.ab151a79685f0p-4, 0x1.df8987f77664fp-4, 0x1.b7e9ea2ad6b21p-4,
        0x1.6bfb99623df53p-4, 0x1.1e314dd8ef1efp-4, 0x1.ba09e2a359a41p-5, 0x1.560bd27a00b08p-5,
        0x1.0bd914bd58695p-5, 0x1.a9f5181df9bf6p-6, 0x1.57e94aec0277dp-6, 0x1.199374fd5811dp-6
    },
    {
        0x1.c5a8e00e818fep-5, 0x1.24d6bbb463b43p-3, 0x1.671c4f2a788d0p-3, 0x1.367b5cb82fe39p-3,
        0x1.8a284b2850444p-4, 0x1.3fc0da03d327bp-5, -0x1.685f0e5ab1955p-10, -0x1.5d2c6190105d7p-6,
        -0x1.ae6bfd18b4b34p-6, -0x1.8349c312caa60p-6, -0x1.3244824951e69p-6, -0x1.cac3dca96ce93p-7,
        -0x1.52a6a0f70f6b6p-7, -0x1.f70a65d7c8963p-8, -0x1.7b2696397c885p-8, -0x1.229a7defb8ffdp-8
    },
    {
        0x1.b4c1668cf86cap-4, 0x1.01ba55d898ec5p-4, 0x1.d2c7941d7d73fp-10, -0x1.6f0e9906a23acp-5,
        -0x1.f10767cbe69afp-5, -0x1.9e43d4cd67314p-5, -0x1.e76d97559f901p-6, -0x1.6e17e723996f9p-7,
        -0x1.6324980f459d2p-15, 0x1.21e01ef799c98p-8, 0x1.4b850d128a538p-8, 0x1.143ef76df49acp-8,
        0x1.9a16385abb33bp-9, 0x1.2496775d64156p-9, 0x1.a01e86c673ed0p-10, 0x1.2b9392934e22ep-10
    },
    {
        -0x1.40e089dc7e054p-6, -0x1.7d1fdd6dc666ap-5, -0x1.7ea6ec34a35e7p-5, -0x1.a399dc440bce6p-6,
        -0x1.2f7c087356704p-11, 0x1.dbc14cd484910p-7, 0x1.166e31fee185ap-6, 0x1.8b92ad96d3cedp-7,
        0x1.82ac17a772603p-8, 0x1.b23f6f0b4eaedp-10, -0x1.4fd3da646781fp-12, -0x1.c8407f1720a80p-11,
        -0x1.ac1cef18b89c0p-11, -0x1.41544bb9de04fp-11, -0x1.bfb6a751cd25fp-12, -0x1.3304d662349b9p-12
    },
    {
        -0x1.9370e5fc6ca3ap-6, -0x1.390f03fb0e542p-7, 0x1.19502427005bcp-7, 0x1.1d6963871efc0p-6,
        0x1.d56744161f453p-7, 0x1.6c40e51dbfa14p-8, -0x1.a015dea15f502p-10, -0x1.16753281591e6p-8,
        -0x1.dc45f3ee1731fp-9, -0x1.0747f2074a7bep-9, -0x1.80ca49da5f2e0p-11, -0x1.89abc4c6f286ep-14,
        0x1.e8e1d6df083eap-14, 0x1.21dc0104991dcp-13, 0x1.c04aa28810bf6p-14, 0x1.3328860d0d1efp-14
    },
    {
        0x1.496aef87d77e4p-8, 0x1.65d14fd1fee71p-7, 0x1.172f263fcd194p-7, 0x1.6032299fe087cp-10,
        -0x1.12da4d334da8ap-8, -0x1.4c8c3a0cfc112p-8, -0x1.72cb5b2bf1828p-9, -0x1.7bfc0403e3d84p-12,
        0x1.b352fdb6d0b5fp-11, 0x1.d6a2010a4393cp-11, 0x1.1a936010b280fp-11, 0x1.c606df6373182p-13,
        0x1.9271eb2d935adp-15, -0x1.6635245564449p-17, -0x1.5cd01d7fa9f05p-16, -0x1.1a49495c3422cp-16
    },
    {
        0x1.2fe95bea0e3f3p-8, 0x1.cc3b96462b46cp-11, -0x1.80966c7eff3aap-9, -0x1.ddcd1f223bbabp-9,
        -0x1.ac21a5c120294p-10, 0x1.3616f6193d370p-11, 0x1.6b5b881c59c0ap-10, 0x1.f553921e40141p-11,
        0x1.10e4411c0da9bp-12, -0x1.0c09a7473fc39p-13, -0x1.92e9d11dbc1dcp-13, -0x1.00d742a5b06a2p-13,
        -0x1.ab7416232e00ap-15, -0x1.b7262502e7502p-17, 0x1.9fb544dabdc9ap-23, 0x1.7c31695063f02p-19
    },
    {
        -0x1.0ac34aed0b6fbp-10, -0x1.0775fa017bcd9p-9, -0x1.25427023b3dc5p-10, 0x1.d181a92f138fep-12,
        0x1.28a033686c545p-10, 0x1.7824145068ce8p-11, 0x1.fc124736ba108p-17, -0x1.4c27c1b01e44ap-12,
        -0x1.0f69d1985b6edp-12, -0x1.7260b8a5d9738p-14, 0x1.f930fda6391d3p-17, 0x1.3641c90d85611p-15,
        0x1.9a36d05ebbe8ep-16, 0x1.558ac75f491d9p-17, 0x1.6d217d7c4210cp-19, 0x1.63bb79f114087p-23
    },
    {
        -0x1.80e0f786e889dp-11, 0x1.5c95c56117863p-19, 0x1.424c9414f6458p-11, 0x1.1024243172feep-11,
        0x1.43e64d1da7f53p-16, -0x1.2c5580a6b4418p-12, -0x1.def03ef5a8392p-13, -0x1.4857cfb4081bdp-15,
        0x1.0c8fb42deef6cp-14, 0x1.f91d75d0bbe58p-15, 0x1.787472f47dce0p-16, -0x1.4fd2411475ec9p-20,
        -0x1.b9e2fa7c7bb89p-18, -0x1.25ef25fb31e97p-18, -0x1.dcd2c9651d4a2p-20, -0x1.f7f3f2d645cd3p-22
    },
    {
        0x1.62d86ad86d59bp-13, 0x1.3cef4f43b617ap-12, 0x1.a7a9b039c44f6p-14, -0x1.32700802c0b0bp-13,
        -0x1.6bef54e2406bfp-13, -0x1.4380b311d977ap-15, 0x1.068f4264304a8p-14, 0x1.f72924dfccdd9p-15,
        0x1.eafec06436673p-17, -0x1.8f3f663bb0644p-17, -0x1.a18ac3b1b0a50p-17, -0x1.3de7f8fb5d805p-18,
        0x1.a9b9664457bacp-25, 0x1.26743edee9ad8p-20, 0x1.7e80e2c198650p-21, 0x1.28a53c361c5dfp-22
    },
    {
        0x1.a11aee23cbfcdp-14, -0x1.3a5ecb9c4e466p-16, -0x1.93d12cf1f1876p-14, -0x1.b302115a084aap-15,
        0x1.e505e74b99cb9p-16, 0x1.968feedcb4c86p-15, 0x1.00640d14003b7p-16, -0x1.ab1d463be93c6p-17,
        -0x1.d0260a3ca8718p-17, -0x1.f243475953d18p-19, 0x1.24902205b1c97p-19, 0x1.3a880a39356c0p-19,
        0x1.cab3682638db7p-21, -0x1.12499e894dcbap-27, -0x1.76770c71b3224p-23, -0x1.c629421c4592fp-24
    }
};

const double ay_erf_rows[16][16] __attribute__((aligned(64))) = {
    {
        0x1.1f5e1a35c3b89p+0, -0x1.7d900b9e8e99dp-4, -0x1.766bd13cfd39fp-2, 0x1.c5a8e00e818fep-5,
        0x1.b4c1668cf86cap-4, -0x1.40e089dc7e054p-6, -0x1.9370e5fc6ca3ap-6, 0x1.496aef87d77e4p-8,
        0x1.2fe95bea0e3f3p-8, -0x1.0ac34aed0b6fbp-10, -0x1.80e0f786e889dp-11, 0x1.62d86ad86d59bp-13,
        0x1.a11aee23cbfcdp-14, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.13e08c7a16a26p+0, -0x1.09ac3c1b2b12ep-2, -0x1.276ba5c062301p-2, 0x1.24d6bbb463b43p-3,
        0x1.01ba55d898ec5p-4, -0x1.7d1fdd6dc666ap-5, -0x1.390f03fb0e542p-7, 0x1.65d14fd1fee71p-7,
        0x1.cc3b96462b46cp-11, -0x1.0775fa017bcd9p-9, 0x1.5c95c56117863p-19, 0x1.3cef4f43b617ap-12,
        -0x1.3a5ecb9c4e466p-16, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.fe8f1614e4ebbp-1, -0x1.7edef5d89a390p-2, -0x1.5275c582e5642p-3, 0x1.671c4f2a788d0p-3,
        0x1.d2c7941d7d73fp-10, -0x1.7ea6ec34a35e7p-5, 0x1.19502427005bcp-7, 0x1.172f263fcd194p-7,
        -0x1.80966c7eff3aap-9, -0x1.25427023b3dc5p-10, 0x1.424c9414f6458p-11, 0x1.a7a9b039c44f6p-14,
        -0x1.93d12cf1f1876p-14, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.cacbc181f7fbdp-1, -0x1.b293239599bcep-2, -0x1.4574d9b084d42p-5, 0x1.367b5cb82fe39p-3,
        -0x1.6f0e9906a23acp-5, -0x1.a399dc440bce6p-6, 0x1.1d6963871efc0p-6, 0x1.6032299fe087cp-10,
        -0x1.ddcd1f223bbabp-9, 0x1.d181a92f138fep-12, 0x1.1024243172feep-11, -0x1.32700802c0b0bp-13,
        -0x1.b302115a084aap-15, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.9450bb1ec6057p-1, -0x1.ad1533f367888p-2, 0x1.bbf4930fce5c5p-5, 0x1.8a284b2850444p-4,
        -0x1.f10767cbe69afp-5, -0x1.2f7c087356704p-11, 0x1.d56744161f453p-7, -0x1.12da4d334da8ap-8,
        -0x1.ac21a5c120294p-10, 0x1.28a033686c545p-10, 0x1.43e64d1da7f53p-16, -0x1.6bef54e2406bfp-13,
        0x1.e505e74b99cb9p-16, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.611065fc93172p-1, -0x1.82ad1810b6ca1p-2, 0x1.ab151a79685f0p-4, 0x1.3fc0da03d327bp-5,
        -0x1.9e43d4cd67314p-5, 0x1.dbc14cd484910p-7, 0x1.6c40e51dbfa14p-8, -0x1.4c8c3a0cfc112p-8,
        0x1.3616f6193d370p-11, 0x1.7824145068ce8p-11, -0x1.2c5580a6b4418p-12, -0x1.4380b311d977ap-15,
        0x1.968feedcb4c86p-15, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.3448f8704c35dp-1, -0x1.48b7c44d5257ep-2, 0x1.df8987f77664fp-4, -0x1.685f0e5ab1955p-10,
        -0x1.e76d97559f901p-6, 0x1.166e31fee185ap-6, -0x1.a015dea15f502p-10, -0x1.72cb5b2bf1828p-9,
        0x1.6b5b881c59c0ap-10, 0x1.fc124736ba108p-17, -0x1.def03ef5a8392p-13, 0x1.068f4264304a8p-14,
        0x1.00640d14003b7p-16, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.0ee12190b194ap-1, -0x1.0e9e17d6132b9p-2, 0x1.b7e9ea2ad6b21p-4, -0x1.5d2c6190105d7p-6,
        -0x1.6e17e723996f9p-7, 0x1.8b92ad96d3cedp-7, -0x1.16753281591e6p-8, -0x1.7bfc0403e3d84p-12,
        0x1.f553921e40141p-11, -0x1.4c27c1b01e44ap-12, -0x1.4857cfb4081bdp-15, 0x1.f72924dfccdd9p-15,
        -0x1.ab1d463be93c6p-17, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.e09a79ee7db91p-2, -0x1.b87061646fb5ep-3, 0x1.6bfb99623df53p-4, -0x1.ae6bfd18b4b34p-6,
        -0x1.6324980f459d2p-15, 0x1.82ac17a772603p-8, -0x1.dc45f3ee1731fp-9, 0x1.b352fdb6d0b5fp-11,
        0x1.10e4411c0da9bp-12, -0x1.0f69d1985b6edp-12, 0x1.0c8fb42deef6cp-14, 0x1.eafec06436673p-17,
        -0x1.d0260a3ca8718p-17, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.aed200cd67bebp-2, -0x1.675759c9fb4b1p-3, 0x1.1e314dd8ef1efp-4, -0x1.8349c312caa60p-6,
        0x1.21e01ef799c98p-8, 0x1.b23f6f0b4eaedp-10, -0x1.0747f2074a7bep-9, 0x1.d6a2010a4393cp-11,
        -0x1.0c09a7473fc39p-13, -0x1.7260b8a5d9738p-14, 0x1.f91d75d0bbe58p-15, -0x1.8f3f663bb0644p-17,
        -0x1.f243475953d18p-19, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.8603df090937fp-2, -0x1.284241dbd5d39p-3, 0x1.ba09e2a359a41p-5, -0x1.3244824951e69p-6,
        0x1.4b850d128a538p-8, -0x1.4fd3da646781fp-12, -0x1.80ca49da5f2e0p-11, 0x1.1a936010b280fp-11,
        -0x1.92e9d11dbc1dcp-13, 0x1.f930fda6391d3p-17, 0x1.787472f47dce0p-16, -0x1.a18ac3b1b0a50p-17,
        0x1.24902205b1c97p-19, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.64282886fef72p-2, -0x1.ef1beecc9bf68p-4, 0x1.560bd27a00b08p-5, -0x1.cac3dca96ce93p-7,
        0x1.143ef76df49acp-8, -0x1.c8407f1720a80p-11, -0x1.89abc4c6f286ep-14, 0x1.c606df6373182p-13,
        -0x1.00d742a5b06a2p-13, 0x1.3641c90d85611p-15, -0x1.4fd2411475ec9p-20, -0x1.3de7f8fb5d805p-18,
        0x1.3a880a39356c0p-19, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.47ad3ff3018a1p-2, -0x1.a35763ed2ef1bp-4, 0x1.0bd914bd58695p-5, -0x1.52a6a0f70f6b6p-7,
        0x1.9a16385abb33bp-9, -0x1.ac1cef18b89c0p-11, 0x1.e8e1d6df083eap-14, 0x1.9271eb2d935adp-15,
        -0x1.ab7416232e00ap-15, 0x1.9a36d05ebbe8ep-16, -0x1.b9e2fa7c7bb89p-18, 0x1.a9b9664457bacp-25,
        0x1.cab3682638db7p-21, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.2f6827c1b08c7p-2, -0x1.6793ed0a040bcp-4, 0x1.a9f5181df9bf6p-6, -0x1.f70a65d7c8963p-8,
        0x1.2496775d64156p-9, -0x1.41544bb9de04fp-11, 0x1.21dc0104991dcp-13, -0x1.6635245564449p-17,
        -0x1.b7262502e7502p-17, 0x1.558ac75f491d9p-17, -0x1.25ef25fb31e97p-18, 0x1.26743edee9ad8p-20,
        -0x1.12499e894dcbap-27, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.1a7b909ae7a4ap-2, -0x1.37b3d82995263p-4, 0x1.57e94aec0277dp-6, -0x1.7b2696397c885p-8,
        0x1.a01e86c673ed0p-10, -0x1.bfb6a751cd25fp-12, 0x1.c04aa28810bf6p-14, -0x1.5cd01d7fa9f05p-16,
        0x1.9fb544dabdc9ap-23, 0x1.6d217d7c4210cp-19, -0x1.dcd2c9651d4a2p-20, 0x1.7e80e2c198650p-21,
        -0x1.76770c71b3224p-23, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.08420fc7a4912p-2, -0x1.10c83ad00a3f2p-4, 0x1.199374fd5811dp-6, -0x1.229a7defb8ffdp-8,
        0x1.2b9392934e22ep-10, -0x1.3304d662349b9p-12, 0x1.3328860d0d1efp-14, -0x1.1a49495c3422cp-16,
        0x1.7c31695063f02p-19, 0x1.63bb79f114087p-23, -0x1.f7f3f2d645cd3p-22, 0x1.28a53c361c5dfp-22,
        -0x1.c629421c4592fp-24, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    }
};

const double ay_erf_near[20] __attribute__((aligned(64))) = {
    0x1.5990d95f8c2b3p-1, -0x1.0b60e85d30896p-3, 0x1.e962f50e2314bp-6, -0x1.8ea53db5a718cp-8,
    0x1.18a17bf1510bcp-10, -0x1.5712a483d1937p-13, 0x1.705616d993302p-16, -0x1.5f6c68418bf31p-19,
    0x1.2d27beea81c69p-22, -0x1.d3f5942e419f1p-26, 0x1.4c4be922388ccp-29, -0x1.b256c00caf9c9p-33,
    0x1.06d55bcce3940p-36, -0x1.2818522c2adc9p-40, 0x1.37f033a7c7e1fp-44, -0x1.34911cebb9426p-48,
    0x1.1f4e2c69426fep-52, -0x1.fa8e0da6000c1p-57, 0x1.bc21d5e21e081p-61, -0x1.5f68f17b7a211p-65
};

const double ay_tanh_cols[16][16] __attribute__((aligned(64))) = {
    {
        0x1.f28f3447e284cp-1, 0x1.9f4f6428ca868p-1, 0x1.3fe316b4771ebp-1, 0x1.ee67ea89e1ff3p-2,
        0x1.8a522ab5c3e0ep-2, 0x1.453a157345245p-2, 0x1.13e627c2fbb1ap-2, 0x1.de9e0d3910409p-3,
        0x1.a66b90d32a304p-3, 0x1.79fc8f7ebcaf2p-3, 0x1.55ff3b8b94123p-3, 0x1.3842c4218f9d7p-3,
        0x1.1f47ddb486590p-3, 0x1.0a003b570149bp-3, 0x1.ef4fea533d188p-4, 0x1.cf5b49464eabep-4
    },
    {
        -0x1.6d344d62c8ac6p-3, -0x1.5e54461920057p-2, -0x1.2c6cf276c26a0p-2, -0x1.a6566695d613ep-3,
        -0x1.20ae8d9987343p-3, -0x1.94ec263c24d2bp-4, -0x1.270af9bed9c42p-4, -0x1.be1bc910bb236p-5,
        -0x1.5c23dbaddaa2ap-5, -0x1.16f143d0f44b7p-5, -0x1.c8d1cc8481810p-6, -0x1.7cde0f55a6366p-6,
        -0x1.4260cf4f38ac9p-6, -0x1.14641030942c3p-6, -0x1.df2ad2805ace3p-7, -0x1.a3559690dc71ap-7
    },
    {
        -0x1.17e1ba9131adbp-2, -0x1.524c300c93696p-6, 0x1.3a711ede80f9bp-4, 0x1.1a631acaf2a8fp-4,
        0x1.785cf4b1dbcc9p-5, 0x1.dd42e5e35d3d3p-6, 0x1.33bb080e7dd56p-6, 0x1.9b48c11ae8863p-7,
        0x1.1d99abe87ca1dp-7, 0x1.9aece87308df4p-8, 0x1.30ddf31c7643ap-8, 0x1.d0694e169c983p-9,
        0x1.69b90df4b6beap-9, 0x1.1f2cac1703f38p-9, 0x1.cf8a936e4e6adp-10, 0x1.7b7e0754027edp-10
    },
    {
        0x1.089fe5602e117p-3, 0x1.d2bbcc75c0a38p-4, 0x1.a3722a4006084p-7, -0x1.b3e4cc7e1bcbfp-7,
        -0x1.8b0342a749061p-7, -0x1.f91f87e8b69b9p-8, -0x1.2fc5f0b075543p-8, -0x1.70e626699b854p-9,
        -0x1.ce7250b19f8b2p-10, -0x1.2cd74979d5462p-10, -0x1.95d0fc2a9b514p-11, -0x1.1acf506b0664ap-11,
        -0x1.95ab9f4ef82d3p-12, -0x1.2a519d41fdbf6p-12, -0x1.c0637a3894d62p-13, -0x1.576cbbef217b3p-13
    },
    {
        0x1.3a2bb1a58c392p-4, -0x1.c54a150bb6844p-5, -0x1.9f36b812be16fp-6, -0x1.3372d58d20ad5p-9,
        0x1.f56f05146d432p-10, 0x1.b84b407edd5d4p-10, 0x1.0f7f9a997cdc9p-10, 0x1.3997d7f74eb6fp-11,
        0x1.6bd7ea9bfaf68p-12, 0x1.b20f1264f8ca7p-13, 0x1.0c230d054b6ecp-13, 0x1.573ff3b9d3047p-14,
        0x1.c63b5bc01df85p-15, 0x1.35acba50aadccp-15, 0x1.b198b8279713fp-16, 0x1.36be786346458p-16
    },
    {
        -0x1.157ef9799a20ep-4, -0x1.7d727c3968ce4p-8, 0x1.b5a65ea428c27p-7, 0x1.d436362e199c0p-9,
        0x1.0ffe15475b650p-12, -0x1.ea87fd808dcccp-13, -0x1.978cec9304265p-13, -0x1.e664909dac039p-14,
        -0x1.0fdda56bcaf5ep-14, -0x1.3037f4854096dp-15, -0x1.5cd1a0bbeba47p-16, -0x1.9d33b2a07812ap-17,
        -0x1.fa8262d868ba8p-18, -0x1.40d161fd546cdp-18, -0x1.a2e5616de867ap-19, -0x1.190d27ebace34p-19
    },
    {
        -0x1.e76181e5fbe32p-7, 0x1.4ea35e28579dcp-6, -0x1.74ac978525506p-9, -0x1.e7a4f75826d1cp-10,
        -0x1.7f3bf66ab231fp-12, -0x1.4a383fd004e7bp-16, 0x1.9d29139c967c2p-16, 0x1.422db7861d89bp-16,
        0x1.7530018e6676cp-17, 0x1.95eb6acaf8b83p-18, 0x1.b8f3008fee7d1p-19, 0x1.e9630233d08a8p-20,
        0x1.17e62cd4035aap-20, 0x1.4ace242093b14p-21, 0x1.93ba44e49f865p-22, 0x1.fbcb0f311b216p-23
    },
    {
        0x1.e9eedd0559779p-6, -0x1.2aa087693b312p-7, -0x1.32c72c0b6cecfp-10, 0x1.3938affc6d9bep-11,
        0x1.7871fae5a02b1p-13, 0x1.f1db685e85ccep-16, 0x1.085423945126cp-20, -0x1.2f15d8b7f9121p-19,
        -0x1.bc0c685262273p-20, -0x1.f49137c1fe29fp-21, -0x1.09ebd6f127457p-21, -0x1.19c1d43b40141p-22,
        -0x1.304506e88006ep-23, -0x1.51e8d7d928f6bp-24, -0x1.831b0199cfadap-25, -0x1.c97a79bd05981p-26
    },
    {
        -0x1.c1cdc6c7abae8p-11, -0x1.8bf00d36fd16ep-10, 0x1.6843a6245370cp-10, -0x1.531d360ff309dp-14,
        -0x1.013e48b3a0f1ep-14, -0x1.c7ccdfa7cb75ap-17, -0x1.0ea8b3049e3a4p-19, -0x1.113097d616f36p-26,
        0x1.87e5933dce781p-23, 0x1.0f026d456c86ap-23, 0x1.2a0fafd222d00p-24, 0x1.364302e630375p-25,
        0x1.41c9ee0e3814fp-26, 0x1.5378fcdd072d1p-27, 0x1.6f8fd828bb632p-28, 0x1.99df71a45e903p-29
    },
    {
        -0x1.7a271df6147cap-7, 0x1.df4d0573b2b83p-9, -0x1.40322452d0dd2p-11, -0x1.65c2d07a95f9bp-15,
        0x1.f3ed9636b4d49p-17, 0x1.2e5254a77f182p-18, 0x1.d01a22acd7dcfp-21, 0x1.fc5f3cd2fced8p-24,
        -0x1.92d8b0416a4abp-29, -0x1.c3b211a97c583p-27, -0x1.28ad9372c7861p-27, -0x1.3f11d2282dccdp-28,
        -0x1.4629c78709672p-29, -0x1.4c0bd08967aaap-30, -0x1.5744a674006aap-31, -0x1.6b9187f3d310bp-32
    },
    {
        0x1.7e732ee8dde3fp-9, -0x1.84ee20e016f60p-10, 0x1.561c4f8621417p-14, 0x1.466ff55393923p-15,
        -0x1.bf5a21b52bb19p-20, -0x1.3f3a4d245dcffp-20, -0x1.2232e43c79a2fp-22, -0x1.9d73001b98275p-25,
        -0x1.a419fc9cf7e91p-28, 0x1.cb43fb8ebbe6bp-32, 0x1.d4e437907fc56p-31, 0x1.264889accff48p-31,
        0x1.361f8a6498bcdp-32, 0x1.37eb838e27738p-33, 0x1.3860f2f673442p-34, 0x1.3d3ec8ef5c0e0p-35
    },
    {
        0x1.fbde7c44718d2p-9, -0x1.6eab2c0f24751p-12, 0x1.60754a86f531ap-14, -0x1.25038683284a5p-16,
        -0x1.77fc02cc78ae4p-21, 0x1.016a455f487ebp-22, 0x1.2ce2b3cc9399cp-24, 0x1.e3d2f08c46705p-27,
        0x1.49fb2cd94699cp-29, 0x1.348d3864d20e3p-32, -0x1.3cf7cf03c28eep-35, -0x1.ba633dd5ee9a9p-35,
        -0x1.0ac52cb62c41cp-35, -0x1.13f91d6b34388p-36, -0x1.118af93e4de79p-37, -0x1.0df7d15ac08dfp-38
    },
    {
        -0x1.057a53b127955p-9, 0x1.55e5e936ec0fep-11, -0x1.2bfb6b66fe491p-14, 0x1.40e3cccf11d49p-18,
        0x1.37cd914a29188p-21, -0x1.b8567d18dbb7ep-26, -0x1.0793ad172e0c4p-26, -0x1.dcd8528d4231fp-29,
        -0x1.69cc892081c61p-31, -0x1.deff2c9d9af97p-34, -0x1.93fb542075557p-37, 0x1.5b900630d1040p-39,
        0x1.7e5e6aea8c242p-39, 0x1.bd364b2a0e7bbp-40, 0x1.c4da668521ec2p-41, 0x1.baf10d507d71ep-42
    },
    {
        -0x1.18a5d489752d9p-10, -0x1.f3120f15e5185p-13, 0x1.be24dfb1a725ap-16, -0x1.0b7568da9fb34p-22,
        -0x1.0e86419760e1fp-22, -0x1.b81b3b595d224p-28, 0x1.72892acdc120ep-29, 0x1.9c1aab00a4c6fp-31,
        0x1.4f67c070cb5b9p-33, 0x1.eec3afaea0d0cp-36, 0x1.3f63bc2859688p-38, 0x1.d523848e81942p-42,
        -0x1.46faad9298bd2p-43, -0x1.30d53b98eb9dap-43, -0x1.581647bc5199ep-44, -0x1.589f8d3e27104p-45
    },
    {
        0x1.d4b4f986861fap-11, -0x1.6c2370e8db84ap-14, 0x1.93162f638d194p-23, -0x1.566f695de49b4p-21,
        0x1.52b5aeff3ed6bp-24, 0x1.7eebdaf9449cap-28, -0x1.2fb2a4ea54529p-32, -0x1.395534612ae8fp-33,
        -0x1.17fc6677497ecp-35, -0x1.b37ff578611d2p-38, -0x1.3ce8a1e61a561p-40, -0x1.8fd0ebca36245p-43,
        -0x1.eab234a2d6b86p-47, 0x1.0efc228717a62p-47, 0x1.c2d6304cb3d56p-48, 0x1.effa645e0f826p-49
    },
    {
        0x1.992ba3a14edafp-13, 0x1.cbf87858fd873p-14, -0x1.794395b894b48p-18, 0x1.bae78da5659d1p-22,
        -0x1.17fd23fdf8601p-26, -0x1.36abc70d49644p-29, -0x1.574dd1f7a63bep-35, 0x1.882faf8e8fba7p-36,
        0x1.a17a373c9c646p-38, 0x1.539fc9e7c9009p-40, 0x1.02d26e9971fd0p-42, 0x1.759774b94dcb9p-45,
        0x1.c9bcf749a89aep-48, 0x1.9bcbba0e5979ep-52, -0x1.9c72a11ee9237p-52, -0x1.3729646c93f89p-52
    }
};

const double ay_tanh_rows[16][16] __attribute__((aligned(64))) = {
    {
        0x1.f28f3447e284cp-1, -0x1.6d344d62c8ac6p-3, -0x1.17e1ba9131adbp-2, 0x1.089fe5602e117p-3,
        0x1.3a2bb1a58c392p-4, -0x1.157ef9799a20ep-4, -0x1.e76181e5fbe32p-7, 0x1.e9eedd0559779p-6,
        -0x1.c1cdc6c7abae8p-11, -0x1.7a271df6147cap-7, 0x1.7e732ee8dde3fp-9, 0x1.fbde7c44718d2p-9,
        -0x1.057a53b127955p-9, -0x1.18a5d489752d9p-10, 0x1.d4b4f986861fap-11, 0x1.992ba3a14edafp-13
    },
    {
        0x1.9f4f6428ca868p-1, -0x1.5e54461920057p-2, -0x1.524c300c93696p-6, 0x1.d2bbcc75c0a38p-4,
        -0x1.c54a150bb6844p-5, -0x1.7d727c3968ce4p-8, 0x1.4ea35e28579dcp-6, -0x1.2aa087693b312p-7,
        -0x1.8bf00d36fd16ep-10, 0x1.df4d0573b2b83p-9, -0x1.84ee20e016f60p-10, -0x1.6eab2c0f24751p-12,
        0x1.55e5e936ec0fep-11, -0x1.f3120f15e5185p-13, -0x1.6c2370e8db84ap-14, 0x1.cbf87858fd873p-14
    },
    {
        0x1.3fe316b4771ebp-1, -0x1.2c6cf276c26a0p-2, 0x1.3a711ede80f9bp-4, 0x1.a3722a4006084p-7,
        -0x1.9f36b812be16fp-6, 0x1.b5a65ea428c27p-7, -0x1.74ac978525506p-9, -0x1.32c72c0b6cecfp-10,
        0x1.6843a6245370cp-10, -0x1.40322452d0dd2p-11, 0x1.561c4f8621417p-14, 0x1.60754a86f531ap-14,
        -0x1.2bfb6b66fe491p-14, 0x1.be24dfb1a725ap-16, 0x1.93162f638d194p-23, -0x1.794395b894b48p-18
    },
    {
        0x1.ee67ea89e1ff3p-2, -0x1.a6566695d613ep-3, 0x1.1a631acaf2a8fp-4, -0x1.b3e4cc7e1bcbfp-7,
        -0x1.3372d58d20ad5p-9, 0x1.d436362e199c0p-9, -0x1.e7a4f75826d1cp-10, 0x1.3938affc6d9bep-11,
        -0x1.531d360ff309dp-14, -0x1.65c2d07a95f9bp-15, 0x1.466ff55393923p-15, -0x1.25038683284a5p-16,
        0x1.40e3cccf11d49p-18, -0x1.0b7568da9fb34p-22, -0x1.566f695de49b4p-21, 0x1.bae78da5659d1p-22
    },
    {
        0x1.8a522ab5c3e0ep-2, -0x1.20ae8d9987343p-3, 0x1.785cf4b1dbcc9p-5, -0x1.8b0342a749061p-7,
        0x1.f56f05146d432p-10, 0x1.0ffe15475b650p-12, -0x1.7f3bf66ab231fp-12, 0x1.7871fae5a02b1p-13,
        -0x1.013e48b3a0f1ep-14, 0x1.f3ed9636b4d49p-17, -0x1.bf5a21b52bb19p-20, -0x1.77fc02cc78ae4p-21,
        0x1.37cd914a29188p-21, -0x1.0e86419760e1fp-22, 0x1.52b5aeff3ed6bp-24, -0x1.17fd23fdf8601p-26
    },
    {
        0x1.453a157345245p-2, -0x1.94ec263c24d2bp-4, 0x1.dd42e5e35d3d3p-6, -0x1.f91f87e8b69b9p-8,
        0x1.b84b407edd5d4p-10, -0x1.ea87fd808dcccp-13, -0x1.4a383fd004e7bp-16, 0x1.f1db685e85ccep-16,
        -0x1.c7ccdfa7cb75ap-17, 0x1.2e5254a77f182p-18, -0x1.3f3a4d245dcffp-20, 0x1.016a455f487ebp-22,
        -0x1.b8567d18dbb7ep-26, -0x1.b81b3b595d224p-28, 0x1.7eebdaf9449cap-28, -0x1.36abc70d49644p-29
    },
    {
        0x1.13e627c2fbb1ap-2, -0x1.270af9bed9c42p-4, 0x1.33bb080e7dd56p-6, -0x1.2fc5f0b075543p-8,
        0x1.0f7f9a997cdc9p-10, -0x1.978cec9304265p-13, 0x1.9d29139c967c2p-16, 0x1.085423945126cp-20,
        -0x1.0ea8b3049e3a4p-19, 0x1.d01a22acd7dcfp-21, -0x1.2232e43c79a2fp-22, 0x1.2ce2b3cc9399cp-24,
        -0x1.0793ad172e0c4p-26, 0x1.72892acdc120ep-29, -0x1.2fb2a4ea54529p-32, -0x1.574dd1f7a63bep-35
    },
    {
        0x1.de9e0d3910409p-3, -0x1.be1bc910bb236p-5, 0x1.9b48c11ae8863p-7, -0x1.70e626699b854p-9,
        0x1.3997d7f74eb6fp-11, -0x1.e664909dac039p-14, 0x1.422db7861d89bp-16, -0x1.2f15d8b7f9121p-19,
        -0x1.113097d616f36p-26, 0x1.fc5f3cd2fced8p-24, -0x1.9d73001b98275p-25, 0x1.e3d2f08c46705p-27,
        -0x1.dcd8528d4231fp-29, 0x1.9c1aab00a4c6fp-31, -0x1.395534612ae8fp-33, 0x1.882faf8e8fba7p-36
    },
    {
        0x1.a66b90d32a304p-3, -0x1.5c23dbaddaa2ap-5, 0x1.1d99abe87ca1dp-7, -0x1.ce7250b19f8b2p-10,
        0x1.6bd7ea9bfaf68p-12, -0x1.0fdda56bcaf5ep-14, 0x1.7530018e6676cp-17, -0x1.bc0c685262273p-20,
        0x1.87e5933dce781p-23, -0x1.92d8b0416a4abp-29, -0x1.a419fc9cf7e91p-28, 0x1.49fb2cd94699cp-29,
        -0x1.69cc892081c61p-31, 0x1.4f67c070cb5b9p-33, -0x1.17fc6677497ecp-35, 0x1.a17a373c9c646p-38
    },
    {
        0x1.79fc8f7ebcaf2p-3, -0x1.16f143d0f44b7p-5, 0x1.9aece87308df4p-8, -0x1.2cd74979d5462p-10,
        0x1.b20f1264f8ca7p-13, -0x1.3037f4854096dp-15, 0x1.95eb6acaf8b83p-18, -0x1.f49137c1fe29fp-21,
        0x1.0f026d456c86ap-23, -0x1.c3b211a97c583p-27, 0x1.cb43fb8ebbe6bp-32, 0x1.348d3864d20e3p-32,
        -0x1.deff2c9d9af97p-34, 0x1.eec3afaea0d0cp-36, -0x1.b37ff578611d2p-38, 0x1.539fc9e7c9009p-40
    },
    {
        0x1.55ff3b8b94123p-3, -0x1.c8d1cc8481810p-6, 0x1.30ddf31c7643ap-8, -0x1.95d0fc2a9b514p-11,
        0x1.0c230d054b6ecp-13, -0x1.5cd1a0bbeba47p-16, 0x1.b8f3008fee7d1p-19, -0x1.09ebd6f127457p-21,
        0x1.2a0fafd222d00p-24, -0x1.28ad9372c7861p-27, 0x1.d4e437907fc56p-31, -0x1.3cf7cf03c28eep-35,
        -0x1.93fb542075557p-37, 0x1.3f63bc2859688p-38, -0x1.3ce8a1e61a561p-40, 0x1.02d26e9971fd0p-42
    },
    {
        0x1.3842c4218f9d7p-3, -0x1.7cde0f55a6366p-6, 0x1.d0694e169c983p-9, -0x1.1acf506b0664ap-11,
        0x1.573ff3b9d3047p-14, -0x1.9d33b2a07812ap-17, 0x1.e9630233d08a8p-20, -0x1.19c1d43b40141p-22,
        0x1.364302e630375p-25, -0x1.3f11d2282dccdp-28, 0x1.264889accff48p-31, -0x1.ba633dd5ee9a9p-35,
        0x1.5b900630d1040p-39, 0x1.d523848e81942p-42, -0x1.8fd0ebca36245p-43, 0x1.759774b94dcb9p-45
    },
    {
        0x1.1f47ddb486590p-3, -0x1.4260cf4f38ac9p-6, 0x1.69b90df4b6beap-9, -0x1.95ab9f4ef82d3p-12,
        0x1.c63b5bc01df85p-15, -0x1.fa8262d868ba8p-18, 0x1.17e62cd4035aap-20, -0x1.304506e88006ep-23,
        0x1.41c9ee0e3814fp-26, -0x1.4629c78709672p-29, 0x1.361f8a6498bcdp-32, -0x1.0ac52cb62c41cp-35,
        0x1.7e5e6aea8c242p-39, -0x1.46faad9298bd2p-43, -0x1.eab234a2d6b86p-47, 0x1.c9bcf749a89aep-48
    },
    {
        0x1.0a003b570149bp-3, -0x1.14641030942c3p-6, 0x1.1f2cac1703f38p-9, -0x1.2a519d41fdbf6p-12,
        0x1.35acba50aadccp-15, -0x1.40d161fd546cdp-18, 0x1.4ace242093b14p-21, -0x1.51e8d7d928f6bp-24,
        0x1.5378fcdd072d1p-27, -0x1.4c0bd08967aaap-30, 0x1.37eb838e27738p-33, -0x1.13f91d6b34388p-36,
        0x1.bd364b2a0e7bbp-40, -0x1.30d53b98eb9dap-43, 0x1.0efc228717a62p-47, 0x1.9bcbba0e5979ep-52
    },
    {
        0x1.ef4fea533d188p-4, -0x1.df2ad2805ace3p-7, 0x1.cf8a936e4e6adp-10, -0x1.c0637a3894d62p-13,
        0x1.b198b8279713fp-16, -0x1.a2e5616de867ap-19, 0x1.93ba44e49f865p-22, -0x1.831b0199cfadap-25,
        0x1.6f8fd828bb632p-28, -0x1.5744a674006aap-31, 0x1.3860f2f673442p-34, -0x1.118af93e4de79p-37,
        0x1.c4da668521ec2p-41, -0x1.581647bc5199ep-44, 0x1.c2d6304cb3d56p-48, -0x1.9c72a11ee9237p-52
    },
    {
        0x1.cf5b49464eabep-4, -0x1.a3559690dc71ap-7, 0x1.7b7e0754027edp-10, -0x1.576cbbef217b3p-13,
        0x1.36be786346458p-16, -0x1.190d27ebace34p-19, 0x1.fbcb0f311b216p-23, -0x1.c97a79bd05981p-26,
        0x1.99df71a45e903p-29, -0x1.6b9187f3d310bp-32, 0x1.3d3ec8ef5c0e0p-35, -0x1.0df7d15ac08dfp-38,
        0x1.baf10d507d71ep-42, -0x1.589f8d3e27104p-45, 0x1.effa645e0f826p-49, -0x1.3729646c93f89p-52
    }
};

const double ay_exp_poly[11] __attribute__((aligned(64))) = {
    0x1.62e42fefa39efp-1, 0x1.ebfbdff82c5aep-3, 0x1.c6b08d704a0c6p-5, 0x1.3b2ab6fb9f1a5p-7,
    0x1.5d87fe78a3f9cp-10, 0x1.430913112c61bp-13, 0x1.ffcbfc6da6ed1p-17, 0x1.62bfc2c86d700p-20,
    0x1.b524ebd13a55fp-24, 0x1.e6228acd1c6e5p-28, 0x1.e9ec1fcb69a7fp-32
};

const double ay_exp_scale[2] __attribute__((aligned(64))) = {
    0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56
};

const double ay_log_cols[3][16] __attribute__((aligned(64))) = {
    {
        0x1.4e80000000000p+0, 0x1.4180000000000p+0, 0x1.3500000000000p+0, 0x1.2a00000000000p+0,
        0x1.1f80000000000p+0, 0x1.1580000000000p+0, 0x1.0c80000000000p+0, 0x1.0000000000000p+0,
        0x1.0000000000000p+0, 0x1.d400000000000p-1, 0x1.bb00000000000p-1, 0x1.a400000000000p-1,
        0x1.9000000000000p-1, 0x1.7d00000000000p-1, 0x1.6c00000000000p-1, 0x1.5d00000000000p-1
    },
    {
        -0x1.11e0e2dada000p-2, -0x1.d293581b6c000p-3, -0x1.815c0a1436000p-3, -0x1.371fc201e8000p-3,
        -0x1.db5270187c000p-4, -0x1.4a50d3aa1c000p-4, -0x1.868a830840000p-5, 0x0.0p+0,
        0x0.0p+0, 0x1.700d30aeac000p-4, 0x1.28753bc11a000p-3, 0x1.95a5adcf70000p-3,
        0x1.f991c6cb3c000p-3, 0x1.2e9e2bce12000p-2, 0x1.5d5bddf596000p-2, 0x1.8873658328000p-2
    },
    {
        0x1.a47f88fcce5bap-45, 0x1.83270128aaa5fp-44, 0x1.02a52f9201ce8p-44, -0x1.ee8779b2d8abcp-44,
        -0x1.9277856ae181fp-44, 0x1.f7fe1308973e2p-45, 0x1.2623a134ac693p-46, 0x0.0p+0,
        0x0.0p+0, 0x1.c1e8da99ded32p-49, 0x1.7494e359302e6p-44, 0x1.7f22858a0ff6fp-47,
        -0x1.90d04cd7cc834p-44, 0x1.4300c128d1dc2p-45, -0x1.a0b2a08a465dcp-47, -0x1.988e21f7fc497p-45
    }
};

const double ay_log_rows[16][4] __attribute__((aligned(64))) = {
    {
        0x1.4e80000000000p+0, -0x1.11e0e2dada000p-2, 0x1.a47f88fcce5bap-45, 0x0.0p+0
    },
    {
        0x1.4180000000000p+0, -0x1.d293581b6c000p-3, 0x1.83270128aaa5fp-44, 0x0.0p+0
    },
    {
        0x1.3500000000000p+0, -0x1.815c0a1436000p-3, 0x1.02a52f9201ce8p-44, 0x0.0p+0
    },
    {
        0x1.2a00000000000p+0, -0x1.371fc201e8000p-3, -0x1.ee8779b2d8abcp-44, 0x0.0p+0
    },
    {
        0x1.1f80000000000p+0, -0x1.db5270187c000p-4, -0x1.9277856ae181fp-44, 0x0.0p+0
    },
    {
        0x1.1580000000000p+0, -0x1.4a50d3aa1c000p-4, 0x1.f7fe1308973e2p-45, 0x0.0p+0
    },
    {
        0x1.0c80000000000p+0, -0x1.868a830840000p-5, 0x1.2623a134ac693p-46, 0x0.0p+0
    },
    {
        0x1.0000000000000p+0, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.0000000000000p+0, 0x0.0p+0, 0x0.0p+0, 0x0.0p+0
    },
    {
        0x1.d400000000000p-1, 0x1.700d30aeac000p-4, 0x1.c1e8da99ded32p-49, 0x0.0p+0
    },
    {
        0x1.bb00000000000p-1, 0x1.28753bc11a000p-3, 0x1.7494e359302e6p-44, 0x0.0p+0
    },
    {
        0x1.a400000000000p-1, 0x1.95a5adcf70000p-3, 0x1.7f22858a0ff6fp-47, 0x0.0p+0
    },
    {
        0x1.9000000000000p-1, 0x1.f991c6cb3c000p-3, -0x1.90d04cd7cc834p-44, 0x0.0p+0
    },
    {
        0x1.7d00000000000p-1, 0x1.2e9e2bce12000p-2, 0x1.4300c128d1dc2p-45, 0x0.0p+0
    },
    {
        0x1.6c00000000000p-1, 0x1.5d5bddf596000p-2, -0x1.a0b2a08a465dcp-47, 0x0.0p+0
    },
    {
        0x1.5d00000000000p-1, 0x1.8873658328000p-2, -0x1.988e21f7fc497p-45, 0x0.0p+0
    }
};

const double ay_log_poly[11] __attribute__((aligned(64))) = {
    -0x1.0000000000000p-1, 0x1.5555555555582p-2, -0x1.000000000002ap-2, 0x1.999999995857dp-3,
    -0x1.5555555518bb6p-3, 0x1.24924a3adc684p-3, -0x1.000001026f5d1p-3, 0x1.c71841685667dp-4,
    -0x1.9995b5bf3ff8cp-4, 0x1.78145a631d6afp-4, -0x1.58c8b3c81bc80p-4
};

const double ay_log_ln2[2] __attribute__((aligned(64))) = {
    0x1.62e42fefa3800p-1, 0x1.ef35793c76730p-45
};

const double ay_sin_poly[6] __attribute__((aligned(64))) = {
    -0x1.5555555555555p-3, 0x1.1111111110ba1p-7, -0x1.a01a019e7f9d6p-13, 0x1.71de37914a4d2p-19,
    -0x1.ae60058c25c90p-26, 0x1.5e0922cad5022p-33
};

const double ay_cos_poly[6] __attribute__((aligned(64))) = {
    0x1.5555555555555p-5, -0x1.6c16c16c1695ep-10, 0x1.a01a019f4ca8dp-16, -0x1.27e4fa1539884p-22,
    0x1.1eeb662d4ae85p-29, -0x1.907babbfc44c3p-37
};

const double ay_half_pi[3] __attribute__((aligned(64))) = {
    0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110
};

const uint64_t ay_two_over_pi[4] = {
    0x28be60db9391054a, 0x7f09d5f47d4d3770, 0x36d8a5664f10e410, 0x7f9458eaf7aef158
};

const double ay_atan_poly[23] __attribute__((aligned(64))) = {
    0x1.bda7a85bd40cbp-1, -0x1.a1494c19fadd9p-3, 0x1.55a300bfb7b51p-4, -0x1.49b3e2e431bbcp-5,
    0x1.58df7a83d0f4fp-6, -0x1.7a84642460123p-7, 0x1.acfa9f0ffc99fp-8, -0x1.f171f329bf47dp-9,
    0x1.256e72992b2a5p-9, -0x1.5edb1690af947p-10, 0x1.a80e6ccf38f09p-11, -0x1.028856d38c239p-11,
    0x1.3d915d53e5f84p-12, -0x1.8899aaba67079p-13, 0x1.e7dfe30b2ba6ap-14, -0x1.2f80ff6824385p-14,
    0x1.7c6d8dd977041p-15, -0x1.f1344a3541cc2p-16, 0x1.39ec4d1079513p-16, -0x1.24e79a6432412p-17,
    0x1.729189c0ffbc2p-18, -0x1.1ce750ac6b5bap-17, 0x1.6bf85b08ece14p-18
};
