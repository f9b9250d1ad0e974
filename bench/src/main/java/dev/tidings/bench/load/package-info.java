// SPDX-License-Identifier: Apache-2.0

/// The generator itself: Netty channels that publish and receive at little cost per message, and
/// what they count.
@NullMarked
package dev.tidings.bench.load;

import org.jspecify.annotations.NullMarked;
