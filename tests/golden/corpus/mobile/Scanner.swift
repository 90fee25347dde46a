import AVFoundation

/// Reads barcodes with the camera of a courier's phone.
final class Scanner: NSObject {
    private var seen: [String: Date] = [:]

    /// A code that stays in view is reported once, not at every frame.
    func report(_ code: String, now: Date = Date()) -> Bool {
        defer { seen[code] = now }
        guard let last = seen[code] else { return true }
        return now.timeIntervalSince(last) > 2
    }

    /// The torch is switched on where the picture is too dark to read.
    func adjustTorch(_ device: AVCaptureDevice, brightness: Double) throws {
        try device.lockForConfiguration()
        device.torchMode = brightness < 0.2 ? .on : .off
        device.unlockForConfiguration()
    }
}
