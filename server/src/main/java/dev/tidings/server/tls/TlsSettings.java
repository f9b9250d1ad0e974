// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.tls;

import java.nio.file.Path;
import java.time.Duration;

/// Where TLS is spoken, and with which certificate.
///
/// @param port port to listen on; 0 takes a free one
/// @param certificate PEM file with the server's certificate, and after it those up to its
///   authority
/// @param privateKey PEM file with the key of the first certificate
/// @param reloadInterval how often the files are looked at
/// @param plainToo whether the port without TLS is served beside it
public record TlsSettings(
    int port, Path certificate, Path privateKey, Duration reloadInterval, boolean plainToo) {}
