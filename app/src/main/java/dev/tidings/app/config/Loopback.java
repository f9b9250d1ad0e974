// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import java.net.InetAddress;
import java.net.UnknownHostException;

/// The addresses that only this machine can reach.
public final class Loopback {
  private Loopback() {}

  /// Whether `host`, a name or an address, stands for one of them.
  public static boolean isNamedBy(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException _) {
      return false;
    }
  }
}
