//! List views and forms. Source: the `ui` folder of the protocol.
