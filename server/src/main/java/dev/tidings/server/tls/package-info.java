// SPDX-License-Identifier: Apache-2.0

/// TLS: the certificate that is shown to clients, and its renewal while the server runs.
@NullMarked
package dev.tidings.server.tls;

import org.jspecify.annotations.NullMarked;
