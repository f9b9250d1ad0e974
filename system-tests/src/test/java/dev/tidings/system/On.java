// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Which of the shared servers a parameter of a test stands for.
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.PARAMETER)
public @interface On {
  Setup value();
}
