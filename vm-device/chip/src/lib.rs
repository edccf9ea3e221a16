//! Chips: UART, PLIC, ACLINT, RTC, finisher, fw_cfg.
