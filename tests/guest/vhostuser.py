# A vhost-user backend that agrees to everything and does nothing.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import socket
import struct
import threading

# Requests that want an answer, by the vhost-user protocol
GET_FEATURES = 1
GET_PROTOCOL_FEATURES = 15
HEADER = struct.Struct('<III')      # request, flags, size
VERSION = 1
IS_REPLY = 4
VIRTIO_F_VERSION_1 = 1 << 32
VHOST_USER_F_PROTOCOL_FEATURES = 1 << 30
ANSWERS = {GET_FEATURES: VIRTIO_F_VERSION_1 | VHOST_USER_F_PROTOCOL_FEATURES,
           GET_PROTOCOL_FEATURES: 0}


class Backend(threading.Thread):
    """Listens at a socket until it is closed."""

    def __init__(self, path: Path):
        super().__init__(daemon=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()

    def run(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,),
                             daemon=True).start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @staticmethod
    def _serve(peer: socket.socket) -> None:
        with peer:
            while True:
                header = peer.recv(HEADER.size, socket.MSG_WAITALL)
                if len(header) < HEADER.size:
                    return
                request, _, size = HEADER.unpack(header)
                peer.recv(size, socket.MSG_WAITALL)
                if request in ANSWERS:
                    peer.sendall(HEADER.pack(request, VERSION | IS_REPLY, 8) +
                                 struct.pack('<Q', ANSWERS[request]))
